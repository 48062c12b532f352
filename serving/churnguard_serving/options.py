"""The command line of ``churnguard-serve``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from churnguard_core.names import MODEL_NAME
from churnguard_core.options import add_log_level, port_number
from churnguard_web.options import add_address, add_drain

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
    add_address(parser, port=8080)
    add("--grpc-port", type=port_number, metavar="PORT", help="port of gRPC (default: no gRPC)")
    add_drain(parser)
    add("--docs", action="store_true", help="serve the API's documentation at /docs")
    add_log_level(parser)
    return Options(**vars(parser.parse_args(arguments)))


def _name(text: str) -> str:
    if not re.fullmatch(MODEL_NAME, text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a ChurnModel: lower-case letters, digits and -"
        )
    return text
