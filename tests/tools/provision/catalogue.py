"""The programs tests run against, what each is built from, and the sources tests read manifests from.

Versions are not here: each module's ``go.mod`` pins them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MODULES: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Module:
    """A small Go module beside this package that pins tools; their requirements conflict, so there are many."""

    folder: Path
    upstream: str
    """Path of the Go module that the tools come from."""

    @property
    def name(self) -> str:
        return self.folder.name


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """Variables the linker sets, because the program does not know its own version otherwise.

    The texts may name ``{version}``, ``{major}``, ``{minor}`` and ``{patch}`` of the required module ``path``.
    """

    path: str
    variables: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program and the package that it is built from: of upstream, or of our module's own folder."""

    name: str
    module: Module
    package: str
    stamps: tuple[Stamp, ...] = field(default=())

    @property
    def upstream_package(self) -> str:
        """The package of upstream whose dependencies ``go.mod`` pins."""
        return self.package if self.package.startswith(self.module.upstream) else self.module.upstream


@dataclass(frozen=True, kw_only=True)
class Source:
    """A Go module whose folder holds manifests: CRDs, webhooks, roles, configuration."""

    name: str
    module: Module
    """Pins the version: where a tool is built from the source too, manifests and program always fit."""
    path: str


ETCD: Final = Module(folder=MODULES / "etcd", upstream="go.etcd.io/etcd/server/v3")
KUBERNETES: Final = Module(folder=MODULES / "kubernetes", upstream="k8s.io/kubernetes")
VERSITYGW: Final = Module(folder=MODULES / "versitygw", upstream="github.com/versity/versitygw")
KSERVE: Final = Module(folder=MODULES / "kserve", upstream="github.com/kserve/kserve")
HELM: Final = Module(folder=MODULES / "helm", upstream="helm.sh/helm/v3")
METRICS_SERVER: Final = Module(folder=MODULES / "metrics-server", upstream="sigs.k8s.io/metrics-server")
COREDNS: Final = Module(folder=MODULES / "coredns", upstream="github.com/coredns/coredns")
KEDA: Final = Module(folder=MODULES / "keda", upstream="github.com/kedacore/keda/v2")
ENVOY_GATEWAY: Final = Module(folder=MODULES / "envoy-gateway", upstream="github.com/envoyproxy/gateway")
PROMETHEUS_OPERATOR: Final = Module(
    folder=MODULES / "prometheus-operator", upstream="github.com/prometheus-operator/prometheus-operator"
)


def kubernetes_tool(name: str) -> Tool:
    """A program of Kubernetes; unstamped, clients would see v0.0.0."""
    variables = {"gitVersion": "{version}", "gitMajor": "{major}", "gitMinor": "{minor}"}
    stamp = Stamp(
        path=KUBERNETES.upstream,
        variables={f"k8s.io/component-base/version.{name}": text for name, text in variables.items()},
    )
    package = f"{KUBERNETES.upstream}/cmd/{name}"
    return Tool(name=name, module=KUBERNETES, package=package, stamps=(stamp,))


# What `helm template` takes for the cluster's version, from client-go as Helm's own releases do. Unstamped it is
# 1.20, which charts refuse.
HELM_STAMPS: Final = (
    Stamp(path=HELM.upstream, variables={"helm.sh/helm/v3/internal/version.version": "{version}"}),
    Stamp(
        path="k8s.io/client-go",
        variables={
            f"helm.sh/helm/v3/pkg/{package}.k8sVersion{name}": text
            for package in ("chartutil", "lint/rules")
            for name, text in (("Major", "1"), ("Minor", "{minor}"))
        },
    ),
)
KEDA_STAMP: Final = Stamp(
    path=KEDA.upstream, variables={"github.com/kedacore/keda/v2/version.Version": "{version}"}
)
ENVOY_GATEWAY_STAMP: Final = Stamp(
    path=ENVOY_GATEWAY.upstream,
    variables={"github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion": "{version}"},
)

GROUPS: Final[Mapping[str, tuple[Tool, ...]]] = {
    "apiserver": (
        Tool(name="etcd", module=ETCD, package="go.etcd.io/etcd/server/v3"),
        kubernetes_tool("kube-apiserver"),
        kubernetes_tool("kube-controller-manager"),
        kubernetes_tool("kubectl"),
        Tool(name="kserve-controller", module=KSERVE, package="github.com/kserve/kserve/cmd/manager"),
        Tool(name="versitygw", module=VERSITYGW, package="github.com/versity/versitygw/cmd/versitygw"),
    ),
    "node": (
        kubernetes_tool("kubelet"),
        kubernetes_tool("kube-scheduler"),
        kubernetes_tool("kube-proxy"),
        # Its own program, in the module's folder: few plugins compile in half the time.
        Tool(name="coredns", module=COREDNS, package="churnguard.dev/tests/tools/coredns"),
        Tool(
            name="metrics-server",
            module=METRICS_SERVER,
            package="sigs.k8s.io/metrics-server/cmd/metrics-server",
        ),
        Tool(name="helm", module=HELM, package="helm.sh/helm/v3/cmd/helm", stamps=HELM_STAMPS),
    ),
    "optional": (
        Tool(
            name="keda-operator",
            module=KEDA,
            package="github.com/kedacore/keda/v2/cmd/operator",
            stamps=(KEDA_STAMP,),
        ),
        Tool(
            name="keda-metrics-adapter",
            module=KEDA,
            package="github.com/kedacore/keda/v2/cmd/adapter",
            stamps=(KEDA_STAMP,),
        ),
        Tool(
            name="envoy-gateway",
            module=ENVOY_GATEWAY,
            package="github.com/envoyproxy/gateway/cmd/envoy-gateway",
            stamps=(ENVOY_GATEWAY_STAMP,),
        ),
    ),
}
DEFAULT_GROUPS: Final = ("apiserver", "node")
TOOLS: Final = {tool.name: tool for tools in GROUPS.values() for tool in tools}

SOURCES: Final = {
    source.name: source
    for source in (
        Source(name="kserve", module=KSERVE, path=KSERVE.upstream),
        Source(name="metrics-server", module=METRICS_SERVER, path=METRICS_SERVER.upstream),
        Source(name="keda", module=KEDA, path=KEDA.upstream),
        Source(name="envoy-gateway", module=ENVOY_GATEWAY, path=ENVOY_GATEWAY.upstream),
        Source(name="gateway-api", module=ENVOY_GATEWAY, path="sigs.k8s.io/gateway-api"),
        Source(name="prometheus-operator", module=PROMETHEUS_OPERATOR, path=PROMETHEUS_OPERATOR.upstream),
    )
}
MODULES_OF_UPSTREAM: Final = tuple(
    {
        module.name: module
        for module in (
            *(tool.module for tool in TOOLS.values()),
            *(source.module for source in SOURCES.values()),
        )
    }.values()
)
