"""The command line of ``churnguard-operator``."""

from __future__ import annotations

import argparse
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from churnguard_core.churnmodel.types import Store
from churnguard_core.options import add_log_level, port_number, seconds
from churnguard_operator.names import MANAGER
from churnguard_operator.settings import Settings

POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

EPILOG = """\
It logs in as the pod's ServiceAccount, else by KUBECONFIG.

exit codes: 0 stopped by a signal, 1 crashed or lost its Lease: start it again, 2 wrong arguments or no way in
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the operator is started with. Without ``namespaces`` it works in all of them."""

    settings: Settings
    namespaces: tuple[str, ...]
    lease_namespace: str
    lease_name: str
    identity: str
    host: str
    port: int
    resync: timedelta
    log_level: str


def parse_options(arguments: Sequence[str]) -> Options:
    """Options from arguments; exits with 2 and a usage line when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="churnguard-operator",
        description="Train and serve what ChurnModels ask for.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--training-image", required=True, metavar="IMAGE", help="image of training Jobs")
    add("--serving-image", required=True, metavar="IMAGE", help="image of predictors")
    add("--store", metavar="URI", help="where bundles go when a ChurnModel names no store: pvc:// or s3://")
    add("--store-secret", metavar="NAME", help="Secret in the ChurnModel's namespace that opens that store")
    add("--prometheus-address", metavar="URL", help="Prometheus that KEDA asks for requests per second")
    add(
        "--image-pull-secrets",
        type=_names,
        default=(),
        metavar="A,B",
        help="Secrets in the ChurnModel's namespace to pull the images with",
    )
    add(
        "--drain-seconds",
        type=seconds(low=1, high=86_400),
        default=Settings.drain.total_seconds(),
        metavar="SECONDS",
        help="how long old predictors stay after another has taken over (default: 30)",
    )
    add("--namespaces", type=_names, default=(), metavar="A,B", help="work in these only (default: in all)")
    add("--lease-namespace", default=_own_namespace(), metavar="NAME", help="default: the pod's own")
    add("--lease-name", default=MANAGER, metavar="NAME", help=f"default: {MANAGER}")
    add("--host", default="0.0.0.0", help="address of probes and metrics (default: all)")  # noqa: S104 - in a pod
    add("--port", type=port_number, default=8080, help="port of probes and metrics (default: 8080)")
    add(
        "--resync-seconds",
        type=seconds(low=1, high=86_400),
        default=300.0,
        metavar="SECONDS",
        help="how often everything is listed anew (default: 300)",
    )
    add_log_level(parser)
    return _options(parser.parse_args(arguments))


def _options(given: argparse.Namespace) -> Options:
    store = Store(uri=given.store, secret_name=given.store_secret) if given.store else None
    settings = Settings(
        training_image=given.training_image,
        serving_image=given.serving_image,
        store=store,
        prometheus_address=given.prometheus_address,
        image_pull_secrets=given.image_pull_secrets,
        drain=timedelta(seconds=given.drain_seconds),
    )
    return Options(
        settings=settings,
        namespaces=given.namespaces,
        lease_namespace=given.lease_namespace,
        lease_name=given.lease_name,
        identity=f"{socket.gethostname()}_{os.getpid()}",
        host=given.host,
        port=given.port,
        resync=timedelta(seconds=given.resync_seconds),
        log_level=given.log_level,
    )


def _own_namespace() -> str:
    return POD_NAMESPACE.read_text().strip() if POD_NAMESPACE.exists() else "default"


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if not LABEL.fullmatch(name):
            raise argparse.ArgumentTypeError(f"{name!r} is no name: lower-case letters, digits and -")
    return names
