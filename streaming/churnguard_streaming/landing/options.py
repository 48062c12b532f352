"""The command line of ``churnguard-land``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from churnguard_core.options import add_log_level
from churnguard_eventstore.options import add_database, add_keep_days, add_migrate
from churnguard_web.options import add_address, add_drain

EPILOG = """\
environment:
  KAFKA_BOOTSTRAP          brokers, as HOST:PORT, or several of them with commas
  KAFKA_USER, KAFKA_CREDENTIALS, KAFKA_SECURITY_PROTOCOL, KAFKA_TOPIC_PREFIX   as in the collector
  DATABASE_URL             the database, when --database names no file; it holds a password

exit codes: 0 stopped by a signal and nothing left, 1 crashed, 2 refused (the last line of the log says why),
3 stopped, but a batch was under way; the next landing lands it
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the program is started with; ``migrate`` needs only the database and the log level."""

    command: Literal["run", "migrate"]
    database: Path | None
    log_level: str
    host: str = ""
    port: int = 0
    group: str = ""
    keep_days: int = 0
    drain_seconds: float = 0.0


def parse_options(arguments: Sequence[str]) -> Options:
    """Options from arguments; exits with 2 and a usage line when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="churnguard-land",
        description="Land events from Kafka in Postgres, each of them once.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add_migrate(commands)
    run = commands.add_parser("run", help="land events until a signal", allow_abbrev=False)
    add_database(run)
    add_log_level(run)
    _add_landing(run)
    return Options(**vars(parser.parse_args(arguments)))


def _add_landing(parser: argparse.ArgumentParser) -> None:
    add_address(parser, port=8080)
    parser.add_argument(
        "--group",
        default="churnguard-landing",
        help="consumer group, behind KAFKA_TOPIC_PREFIX (default: churnguard-landing)",
    )
    add_keep_days(parser)
    add_drain(parser)
