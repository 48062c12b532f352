"""Where the database is, as programs are told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "DATABASE_URL"


class NoDatabase(Exception):  # noqa: N818 - names the fact
    """There is no address of a database, or nothing can be reached there; the message holds no password."""


def database_url(file: Path | None, *, environ: Mapping[str, str]) -> str:
    """The address that a file holds, or else the environment; NoDatabase when it is none.

    It holds a password, so it never comes from a command line.
    """
    try:
        url = environ.get(VARIABLE, "") if file is None else file.read_text().strip()
    except (OSError, UnicodeError):
        raise NoDatabase(f"{file} cannot be read") from None
    if not url.startswith(("postgresql://", "postgres://")):
        where = VARIABLE if file is None else str(file)
        raise NoDatabase(f"{where} holds no address of a database: expected postgresql://...")
    return url
