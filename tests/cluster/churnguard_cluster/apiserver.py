"""kube-apiserver, complete enough for a real node: kubelet client, front proxy, service accounts, Node authorizer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from churnguard_cluster.certificates import SERVICE_NAMES, Authority, KeyPair
from churnguard_cluster.probe import answers, trusting
from churnguard_cluster.process import Process
from churnguard_cluster.rig import Rig
from churnguard_cluster.tools import tool

SERVICE_RANGE: Final = "10.96.0.0/16"
SERVICE_ADDRESS: Final = "10.96.0.1"
"""The first address of the range is that of the Service ``kubernetes``."""
# It makes much garbage when it starts and when it takes a large definition, and then waits for its collector.
GARBAGE_PERCENT: Final = "400"
FRONT_PROXY: Final = "front-proxy-client"
AUDIT_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    # What came of a request is told with its answer; a watch's answer begins at once and ends perhaps never.
    "omitStages": ["RequestReceived"],
    "rules": [
        # Kubernetes' own controllers log in by accounts too.
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}
"""What programs with an account in a namespace do is written down, and nothing else."""


@dataclass(frozen=True, kw_only=True)
class Identities:
    """Whom the API server trusts, and what it shows to others."""

    authority: Authority
    front_proxy_authority: Authority
    service_accounts: KeyPair
    administrator: KeyPair

    @classmethod
    def create(cls, rig: Rig) -> Identities:
        folder = rig.folder_of("certificates")
        authority = Authority.create(folder / "cluster")
        return cls(
            authority=authority,
            # An authority of its own: who holds a certificate of it may call himself any user.
            front_proxy_authority=Authority.create(folder / "front-proxy"),
            service_accounts=authority.client("service-accounts", user="service-accounts"),
            administrator=authority.client("administrator", user="admin", group="system:masters"),
        )


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """A started API server."""

    rig: Rig
    process: Process
    port: int
    identities: Identities

    @classmethod
    def start(cls, rig: Rig, *, etcd_url: str, identities: Identities) -> ApiServer:
        network, authority, front = rig.network, identities.authority, identities.front_proxy_authority
        port = network.port(6443)
        hosts = (*SERVICE_NAMES, SERVICE_ADDRESS, "127.0.0.1", network.address)
        server = authority.server("apiserver", hosts=hosts)
        kubelet = authority.client("apiserver-kubelet", user="apiserver-kubelet", group="system:masters")
        proxy = front.client("front-proxy", user=FRONT_PROXY)
        accounts = identities.service_accounts
        audit = rig.folder_of("audit")
        (audit / "policy.json").write_text(json.dumps(AUDIT_POLICY))
        command: list[str | Path] = [
            tool("kube-apiserver"),
            f"--etcd-servers={etcd_url}",
            f"--bind-address={network.address}",
            f"--secure-port={port}",
            f"--advertise-address={network.advertised}",
            # Nobody reaches the API server at an address that is not its own.
            f"--endpoint-reconciler-type={'lease' if network.is_own else 'none'}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--tls-cert-file={server.certificate}",
            f"--tls-private-key-file={server.key}",
            f"--client-ca-file={authority.certificate}",
            f"--service-account-signing-key-file={accounts.key}",
            f"--service-account-key-file={accounts.key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--kubelet-certificate-authority={authority.certificate}",
            f"--kubelet-client-certificate={kubelet.certificate}",
            f"--kubelet-client-key={kubelet.key}",
            "--kubelet-preferred-address-types=InternalIP",  # else it tries to resolve the node's name
            f"--requestheader-client-ca-file={front.certificate}",
            f"--requestheader-allowed-names={FRONT_PROXY}",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={proxy.certificate}",
            f"--proxy-client-key-file={proxy.key}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--audit-policy-file={audit / 'policy.json'}",
            f"--audit-log-path={audit_log(rig)}",
            "--profiling=false",
        ]
        process = rig.start(name="kube-apiserver", command=command, environment={"GOGC": GARBAGE_PERCENT})
        return cls(rig=rig, process=process, port=port, identities=identities)

    @property
    def url(self) -> str:
        """Where it answers inside the rig's network."""
        return f"https://{self.rig.network.address}:{self.port}"

    @property
    def audit_log(self) -> Path:
        """Who with an account asked for what, and what came of it: a line of JSON for each."""
        return audit_log(self.rig)

    def wait_until_ready(self) -> None:
        identities = self.identities
        context = trusting(str(identities.authority.certificate), login=identities.administrator)
        self.process.wait_until(lambda: answers(self.rig.network, self.port, "/readyz", context=context))


def audit_log(rig: Rig) -> Path:
    """Where the API server of a rig writes what it was asked."""
    return rig.folder_of("audit") / "log"
