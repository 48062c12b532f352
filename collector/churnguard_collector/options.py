"""The command line of ``churnguard-collector``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from churnguard_collector.choice import SinkName
from churnguard_core.options import add_log_level, whole_number
from churnguard_eventstore.options import add_database, add_keep_days, add_migrate
from churnguard_web.options import add_address, add_drain

EPILOG = """\
Events go to Kafka where KAFKA_BOOTSTRAP or --bootstrap says where it is, else to the database of DATABASE_URL or
--database. Passwords come from files or the environment, never from the command line.

environment:
  KAFKA_BOOTSTRAP          HOST:PORT of some brokers, with commas
  KAFKA_SECURITY_PROTOCOL  PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL (default: SASL_SSL with a user, else PLAINTEXT)
  KAFKA_USER               user of SCRAM-SHA-512
  KAFKA_CREDENTIALS        folder with the files password and ca.crt, as of Strimzi's Secrets
  KAFKA_TOPIC_PREFIX       what stands before the names of topics
  DATABASE_URL             postgresql://...

exit codes: 0 stopped by a signal and nothing left, 1 crashed, 2 refused (the last line of the log says why),
3 stopped, but some requests were not answered or some events not written
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the program is started with; ``migrate`` needs only the database and the log level."""

    command: Literal["serve", "migrate"]
    database: Path | None
    log_level: str
    sink: SinkName | None = None
    bootstrap: str | None = None
    keys: Path = Path()
    host: str = ""
    port: int = 0
    keep_days: int = 0
    most_waiting: int = 0
    drain_seconds: float = 0.0


def parse_options(arguments: Sequence[str]) -> Options:
    """Options from arguments; exits with 2 and a usage line when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="churnguard-collector",
        description="Take product events over HTTP and keep each exactly once.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add_migrate(commands)
    serve = commands.add_parser("serve", help="take events until a signal", allow_abbrev=False)
    add_database(serve)
    add_log_level(serve)
    _add_serving(serve)
    return Options(**vars(parser.parse_args(arguments)))


def _add_serving(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--sink", choices=get_args(SinkName), help="where events go (default: what the settings below say)")
    add(
        "--bootstrap",
        metavar="HOST:PORT",
        help="some brokers of Kafka, with commas (default: KAFKA_BOOTSTRAP)",
    )
    add(
        "--keys",
        type=Path,
        required=True,
        metavar="FILE",
        help="write keys and workspaces, as JSON; read again on change",
    )
    add_address(parser, port=8080)
    add_keep_days(parser)
    add(
        "--most-waiting",
        type=whole_number(low=1000, high=10_000_000),
        default=100_000,
        metavar="EVENTS",
        help="events that may wait to be kept; beyond it, callers are asked to come again (default: 100000)",
    )
    add_drain(parser)
