"""The command line of ``churnguard-serve``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from churnguard_core.names import MODEL_NAME

EPILOG = """\
Secrets of an S3 store come from files or the environment, never from the command line: see docs/serving.md.

exit codes: 0 stopped by a signal, 1 crashed, 2 refused (bundle, settings, address; the last line of the log says why)
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a server is started with."""

    bundle: str
    digest: str | None
    name: str
    serving: Path | None
    host: str
    port: int
    grpc_port: int | None
    drain_seconds: float
    docs: bool
    log_level: str


def parse_options(arguments: Sequence[str]) -> Options:
    """Options from arguments; exits with 2 and a usage line when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="churnguard-serve",
        description="Serve a bundle behind the KServe protocols.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--bundle", required=True, metavar="URI", help="file:///folder, pvc://claim/path or s3://bucket/key")
    add("--digest", metavar="sha256:HEX", help="digest that the bundle must have")
    add("--name", required=True, type=_name, help="name of the model in URLs")
    add(
        "--serving",
        type=Path,
        metavar="FILE",
        help="levels, insights and limits, as JSON; read again on change",
    )
    add("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104 - in a pod
    add("--port", type=_port, default=8080, help="port of HTTP; 0 takes a free one (default: 8080)")
    add("--grpc-port", type=_port, metavar="PORT", help="port of gRPC (default: no gRPC)")
    add(
        "--drain-seconds",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="how long to go on answering after SIGTERM, as not ready (default: 10)",
    )
    add("--docs", action="store_true", help="serve the API's documentation at /docs")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info", help="default: info")
    return Options(**vars(parser.parse_args(arguments)))


def _name(text: str) -> str:
    if not re.fullmatch(MODEL_NAME, text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a ChurnModel: lower-case letters, digits and -"
        )
    return text


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return port


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 3600")
    return seconds
