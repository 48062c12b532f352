"""Failures of PostgreSQL in words for people, without secrets and without values of rows."""

from __future__ import annotations

import re
from typing import Final

import adbc_driver_postgresql.dbapi as driver

from churnguard_training.errors import Refused
from churnguard_training.sources.postgres_uri import Connection

_DATA_EXCEPTION: Final = "22"
_READ_ONLY: Final = "25006"
_CANCELLED: Final = "57014"

# What libpq says when it does not reach the server, and what we say: its own text may quote the address.
_UNREACHABLE: Final = {
    "could not translate host name": "the host's name is unknown",
    "Connection refused": "the connection was refused; does the server run on that host and port?",
    "timeout expired": "no answer in time",
    "timed out": "no answer in time",
    "No route to host": "there is no route to the host",
    "Network is unreachable": "the network is not reachable",
    "No such file or directory": "there is no such socket",
    "SSL": "TLS cannot be agreed on",
    "certificate": "the server's certificate is not trusted",
}


def server_refused(error: driver.Error, *, connection: Connection) -> Refused:
    """No connection came about."""
    text = str(error)
    # The server's own words name user and database, never the password.
    answer = re.search(r"FATAL:\s+([^\n]{1,300})", text)
    known = next((words for sign, words in _UNREACHABLE.items() if sign in text), "the connection failed")
    return Refused(
        reason="SourceUnreadable",
        problems=[
            f"cannot connect to database {connection.database!r} at {connection.hosts}: "
            f"{answer[1] if answer else known}"
        ],
        hint="check the key uri of the source's secret, and that network policies let this pod reach it",
    )


def query_refused(error: driver.Error, *, query: str, connection: Connection) -> Refused:
    """The server refused or ended the query."""
    details = {name.decode(): value.decode(errors="replace") for name, value in error.details or ()}
    message = details.get("PG_DIAG_MESSAGE_PRIMARY", "")
    if not message:
        return stream_refused(error, connection=connection)
    state = error.sqlstate or ""
    if state.startswith(_DATA_EXCEPTION):
        message = _masked(message)
    where = _position(details, query=query, inside_copy="could not begin COPY" in str(error))
    return Refused(
        reason="SourceUnreadable",
        problems=[f"the query failed: {message}{where}"],
        hint=_hint(state, given=details.get("PG_DIAG_MESSAGE_HINT", "")),
    )


def stream_refused(error: Exception, *, connection: Connection) -> Refused:
    """The server stopped in the middle of the rows; here the driver hands on nothing but text."""
    answer = re.search(r"(?:ERROR|FATAL):\s+([^\n]{1,300})", str(error))
    problem = (
        f"the query failed: {_masked(answer[1])}"
        if answer
        else (
            f"database {connection.database!r} at {connection.hosts} ended the connection, "
            "or its answer cannot be read"
        )
    )
    state = _CANCELLED if "statement timeout" in problem else ""
    return Refused(reason="SourceUnreadable", problems=[problem], hint=_hint(state, given=""))


def _masked(message: str) -> str:
    """Without what it quotes: in invalid input syntax for type integer: "…" that is a value of a row."""
    if message.startswith("invalid byte sequence for encoding"):
        return message
    return re.sub(r'".*', '"…"', message, flags=re.DOTALL)


def _hint(state: str, *, given: str) -> str:
    if state == _READ_ONLY:
        return "the query runs in a read-only transaction; it must be one SELECT"
    if state == _CANCELLED:
        return "make the query faster or let it return fewer rows"
    return given


def _position(details: dict[str, str], *, query: str, inside_copy: bool) -> str:
    text = details.get("PG_DIAG_STATEMENT_POSITION", "")
    if not text.isdecimal():
        return ""
    # Counted from 1; the driver's own wrapping precedes the query.
    position = int(text) - (len("COPY (") if inside_copy else 0)
    before = query[: max(position - 1, 0)]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return f" (line {line}, column {column} of the query)"
