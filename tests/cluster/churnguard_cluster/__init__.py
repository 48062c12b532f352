"""A real Kubernetes cluster for tests, each piece a process of this machine: no registry, no virtual machine."""
