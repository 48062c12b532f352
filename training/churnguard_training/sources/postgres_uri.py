"""Connection addresses of PostgreSQL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from churnguard_training.errors import Refused

CONNECT_TIMEOUT_SECONDS: Final = 10

# As libpq reads it: user information ends at the first "@" or "/". Other texts libpq would take apart in its
# own way and show a part of the password as host or port.
_URI = re.compile(
    r"postgres(?:ql)?://"
    r"(?:[^@/]*@)?"
    r"(?P<hosts>[A-Za-z0-9._:,%\[\]-]*)"
    r"(?:/(?P<database>[^?@/]*))?"
    r"(?:\?(?P<parameters>[^@]*))?"
)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A connection string, completed, and the parts of it that messages may show."""

    uri: str = field(repr=False)
    hosts: str
    database: str


def parse_connection(uri: str, *, timeout_seconds: int) -> Connection:
    """Check an address and make its sessions read-only, in UTF-8 and bounded in time.

    Raises:
        Refused: SourceUnreadable; it is no such address. The message does not show it.
    """
    match = _URI.fullmatch(uri)
    if match is None or not all(_is_port(host) for host in match["hosts"].split(",")):
        raise Refused(
            reason="SourceUnreadable",
            problems=["the key uri of the source's secret is no address of a PostgreSQL database"],
            hint="postgresql://user:password@host:5432/database, with special characters of the password "
            "percent-encoded, such as %40 for @",
        )
    parameters = [text.partition("=")[::2] for text in (match["parameters"] or "").split("&") if text]
    given = dict(parameters)
    # The server obeys the last of two settings, and libpq the last of two parameters.
    options = (
        f"{unquote(given.get('options', ''))} -c default_transaction_read_only=on"
        f" -c statement_timeout={timeout_seconds * 1000}"
    )
    completed = {
        "connect_timeout": str(CONNECT_TIMEOUT_SECONDS),
        "application_name": "churnguard-train",
        **given,
        "client_encoding": "UTF8",
        "options": quote(options.strip(), safe=""),
    }
    base = uri if match["parameters"] is None else uri[: match.start("parameters") - 1]
    return Connection(
        uri=f"{base}?{'&'.join(f'{name}={value}' for name, value in completed.items())}",
        hosts=match["hosts"] or unquote(given.get("host", "")) or "the default host",
        database=unquote(match["database"] or given.get("dbname", "")) or "the default database",
    )


def _is_port(host: str) -> bool:
    address = re.fullmatch(r"(?:\[[0-9A-Fa-f:.%]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?", host)
    return address is not None and int(address["port"] or 5432) < 2**16
