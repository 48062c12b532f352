"""Kubeconfig files, and the official client logged in by one."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from churnguard_cluster.certificates import KeyPair, write_secret


def write_kubeconfig(path: Path, *, url: str, authority: Path, login: KeyPair) -> Path:
    """Writes a kubeconfig that stands alone: certificates and key are in it."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "churnguard",
        "clusters": [
            {
                "name": "churnguard",
                "cluster": {"server": url, "certificate-authority-data": _encoded(authority)},
            }
        ],
        "users": [
            {
                "name": "churnguard",
                "user": {
                    "client-certificate-data": _encoded(login.certificate),
                    "client-key-data": _encoded(login.key),
                },
            }
        ],
        "contexts": [{"name": "churnguard", "context": {"cluster": "churnguard", "user": "churnguard"}}],
    }
    write_secret(path, yaml.safe_dump(content).encode())
    return path


def logged_in(kubeconfig: Path) -> Any:
    """The official client (``kubernetes.client.ApiClient``); a context manager."""
    configuration = client.Configuration()
    config.load_kube_config(
        config_file=str(kubeconfig), client_configuration=configuration, persist_config=False
    )
    configuration.proxy = None  # it takes the machine's proxy from the environment, even for loopback
    return client.ApiClient(configuration)


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
