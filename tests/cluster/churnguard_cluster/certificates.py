"""Certificates of a rig, made anew for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

SERVICE_NAMES: Final = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """Files of a certificate and its private key, PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A certificate authority that keeps all it issues in one folder."""

    folder: Path
    authority: trustme.CA

    @classmethod
    def create(cls, folder: Path) -> Authority:
        folder.mkdir(parents=True, mode=0o700)
        authority = trustme.CA()
        write_secret(folder / "ca.crt", authority.cert_pem.bytes())
        write_secret(folder / "ca.key", authority.private_key_pem.bytes())
        return cls(folder=folder, authority=authority)

    @property
    def own(self) -> KeyPair:
        """The authority's own certificate and key."""
        return self._pair("ca")

    @property
    def certificate(self) -> Path:
        """File of the authority's certificate, to trust all that it issued."""
        return self.own.certificate

    def server(self, name: str, *, hosts: tuple[str, ...]) -> KeyPair:
        """A certificate for servers at these names and addresses, in files called ``name``."""
        return self._keep(name, self.authority.issue_cert(*hosts, common_name=name))

    def client(self, name: str, *, user: str, group: str = "churnguard") -> KeyPair:
        """A certificate that logs in to the API server as this user in this group."""
        # Kubernetes reads the common name as the user and the organization as a group. The host serves no purpose
        # but to be one: without any, Go does not understand the certificate and refuses it.
        host = f"{name}.invalid"
        return self._keep(name, self.authority.issue_cert(host, common_name=user, organization_name=group))

    def node(self, name: str, *, host: str, hosts: tuple[str, ...]) -> KeyPair:
        """A kubelet's certificate: it serves at ``hosts`` and logs in as the node ``host``."""
        issued = self.authority.issue_cert(
            *hosts, common_name=f"system:node:{host}", organization_name="system:nodes"
        )
        return self._keep(name, issued)

    def _keep(self, name: str, issued: trustme.LeafCert) -> KeyPair:
        pair = self._pair(name)
        write_secret(pair.certificate, b"".join(each.bytes() for each in issued.cert_chain_pems))
        write_secret(pair.key, issued.private_key_pem.bytes())
        return pair

    def _pair(self, name: str) -> KeyPair:
        return KeyPair(certificate=self.folder / f"{name}.crt", key=self.folder / f"{name}.key")


def write_secret(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, from the first byte on."""
    path.touch(mode=0o600)
    path.write_bytes(content)
