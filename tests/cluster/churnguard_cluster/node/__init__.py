"""A real node for a rig: containerd, kubelet, scheduler, kube-proxy, DNS and metrics, and images without a registry."""
