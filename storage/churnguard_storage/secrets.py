"""Secrets of the data source and of the bundle store: files in a fixed folder, or environment variables.

They never come from the command line, which every process of the machine can read, and never show in a repr.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from churnguard_storage.errors import StorageError

Role = Literal["source", "store"]

SECRET_ROOT: Final = "/var/run/secrets/churnguard"  # noqa: S105 - a folder
"""The secret of a role is mounted at ``/var/run/secrets/churnguard/source`` and ``.../store``."""

MAX_SECRET_BYTES: Final = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a source or a store is opened with; every field is optional, none appears in a repr.

    ``uri`` is a database connection; ``access_key``, ``secret_key`` and ``endpoint`` are for S3, where no
    endpoint means Amazon's own.
    """

    uri: str | None = field(default=None, repr=False)
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    endpoint: str | None = field(default=None, repr=False)


def read_credentials(*, role: Role, environ: Mapping[str, str]) -> Credentials:
    """The credentials of a role.

    Each key is read from its environment variable (``CHURNGUARD_SOURCE_ACCESS_KEY``), else from the file of
    that name (``accessKey``) in the role's folder, which ``CHURNGUARD_SOURCE_SECRET_DIR`` moves. An empty
    value counts as none.

    Raises:
        StorageError: A secret cannot be read or holds what no secret can; all such keys at once, never a value.
    """
    prefix = f"CHURNGUARD_{role.upper()}"
    folder = Path(environ.get(f"{prefix}_SECRET_DIR") or f"{SECRET_ROOT}/{role}")
    problems: list[str] = []

    def read(key: str, variable: str) -> str | None:
        name = f"{prefix}_{variable}"
        try:
            value = environ.get(name) or _read_file(folder / key)
        except ValueError as error:
            problems.append(f"key {key} of the {role}'s secret {error}")
            return None
        if not value.isprintable():
            problems.append(f"key {key} of the {role}'s secret holds line breaks or control characters")
        return value or None

    credentials = Credentials(
        uri=read("uri", "URI"),
        access_key=read("accessKey", "ACCESS_KEY"),
        secret_key=read("secretKey", "SECRET_KEY"),
        endpoint=read("endpoint", "ENDPOINT"),
    )
    if (credentials.access_key is None) != (credentials.secret_key is None) and not problems:
        problems.append(f"the {role}'s secret has only one of the keys accessKey and secretKey")
    if problems:
        raise StorageError(
            problems,
            hint=f"mend the Secret mounted for the {role}, or the variables {prefix}_*",
        )
    return credentials


def _read_file(path: Path) -> str:
    """Content without surrounding white space (``echo`` ends its line); empty when there is no such file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SECRET_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(data) > MAX_SECRET_BYTES:
        raise ValueError(f"is longer than {MAX_SECRET_BYTES} bytes")
    try:
        return data.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
