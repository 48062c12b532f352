"""The command line of ``churnguard-collector``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

EPILOG = """\
The database's address holds a password: it comes from a file or from DATABASE_URL, never from the command line.

exit codes: 0 stopped by a signal and nothing left, 1 crashed, 2 refused (the last line of the log says why),
3 stopped, but some requests were not answered or some events not written
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the program is started with; ``migrate`` needs only the database and the log level."""

    command: Literal["serve", "migrate"]
    database: Path | None
    log_level: str
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
    migrate = commands.add_parser(
        "migrate", help="bring the tables to this program's version", allow_abbrev=False
    )
    serve = commands.add_parser("serve", help="take events until a signal", allow_abbrev=False)
    for each in (migrate, serve):
        each.add_argument(
            "--database", type=Path, metavar="FILE", help="file of postgresql://... (default: DATABASE_URL)"
        )
        levels = ("debug", "info", "warning", "error")
        each.add_argument("--log-level", choices=levels, default="info", help="default: info")
    _add_serving(serve)
    return Options(**vars(parser.parse_args(arguments)))


def _add_serving(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--keys",
        type=Path,
        required=True,
        metavar="FILE",
        help="write keys and workspaces, as JSON; read again on change",
    )
    add("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104 - in a pod
    add("--port", type=_port, default=8080, help="port of HTTP; 0 takes a free one (default: 8080)")
    add(
        "--keep-days",
        type=_days,
        default=90,
        metavar="DAYS",
        help="days before today whose events are kept; older ones are dropped (default: 90)",
    )
    add(
        "--most-waiting",
        type=_waiting,
        default=100_000,
        metavar="EVENTS",
        help="events that may wait to be written; beyond it, callers are asked to come again (default: 100000)",
    )
    add(
        "--drain-seconds",
        type=_seconds,
        default=10.0,
        metavar="SECONDS",
        help="how long to go on answering after SIGTERM, as not ready (default: 10)",
    )


def _port(text: str) -> int:
    return _number(text, low=0, high=65535)


def _days(text: str) -> int:
    return _number(text, low=1, high=3650)


def _waiting(text: str) -> int:
    return _number(text, low=1000, high=10_000_000)


def _number(text: str, *, low: int, high: int) -> int:
    number = int(text)
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 3600")
    return seconds
