"""Where Kafka is, and as whom we come.

A password and the certificate of the brokers' authority come as files of one folder, ``password`` and ``ca.crt``: the
keys of the Secrets that Strimzi makes for a user and for a cluster, mounted into one volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, get_args

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
"""Kafka's names: with or without encryption (SSL), with or without log-in (SASL)."""

BOOTSTRAP_VARIABLE: Final = "KAFKA_BOOTSTRAP"
PROTOCOL_VARIABLE: Final = "KAFKA_SECURITY_PROTOCOL"
USER_VARIABLE: Final = "KAFKA_USER"
CREDENTIALS_VARIABLE: Final = "KAFKA_CREDENTIALS"
PASSWORD_FILE: Final = "password"  # noqa: S105 - a file's name
AUTHORITY_FILE: Final = "ca.crt"


class InvalidConnection(ValueError):  # noqa: N818 - names what it is about
    """The settings do not say how to reach Kafka; the message says what is wrong, and holds no password."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """A user of SCRAM-SHA-512."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """How to reach Kafka.

    ``authority`` is a file with certificates to trust; where it is None, those of the system are trusted. With another
    ``digest`` of what it holds, it is another connection.
    """

    bootstrap: str
    protocol: SecurityProtocol = "PLAINTEXT"
    login: Login | None = None
    authority: Path | None = None
    digest: str | None = None


def connection_from(environ: Mapping[str, str], *, bootstrap: str | None = None) -> Connection:
    """The connection that the environment describes; reads the files that it names.

    Args:
        environ: ``KAFKA_BOOTSTRAP``, ``KAFKA_SECURITY_PROTOCOL``, ``KAFKA_USER``, ``KAFKA_CREDENTIALS``. With a user,
            SASL_SSL is what is meant when no protocol is named; without one, PLAINTEXT.
        bootstrap: Takes the place of ``KAFKA_BOOTSTRAP``.

    Raises:
        InvalidConnection: Something is missing, contradicts itself, or cannot be read.
    """
    user = environ.get(USER_VARIABLE) or None
    protocol = _protocol(environ.get(PROTOCOL_VARIABLE) or ("SASL_SSL" if user else "PLAINTEXT"))
    logs_in, encrypts = protocol.startswith("SASL_"), protocol.endswith("SSL")
    named = environ.get(CREDENTIALS_VARIABLE)
    folder = Path(named) if named else None
    if logs_in and user is None:
        raise InvalidConnection(f"{PROTOCOL_VARIABLE} is {protocol}, which needs {USER_VARIABLE}")
    if user is not None and not logs_in:
        raise InvalidConnection(f"{PROTOCOL_VARIABLE} is {protocol}: {USER_VARIABLE} would not be used")
    authority = None if folder is None or not encrypts else folder / AUTHORITY_FILE
    digest = None if authority is None else _digest(authority)
    return Connection(
        bootstrap=_addresses(bootstrap or environ.get(BOOTSTRAP_VARIABLE, "")),
        protocol=protocol,
        login=None if user is None else Login(user=user, password=_password(folder)),
        authority=None if digest is None else authority,
        digest=digest,
    )


def _protocol(name: str) -> SecurityProtocol:
    for known in get_args(SecurityProtocol):
        if name == known:
            protocol: SecurityProtocol = known
            return protocol
    known_names = ", ".join(get_args(SecurityProtocol))
    raise InvalidConnection(f"{PROTOCOL_VARIABLE} must be one of {known_names}")


def _addresses(text: str) -> str:
    addresses = [each.strip() for each in text.split(",")]
    if not all(_is_address(each) for each in addresses):
        raise InvalidConnection(f"{BOOTSTRAP_VARIABLE} must be HOST:PORT, or several of them with commas")
    return ",".join(addresses)


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and "/" not in host and port.isascii() and port.isdigit() and 0 < int(port) < 65536


def _digest(file: Path) -> str | None:
    try:
        return sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        raise InvalidConnection(f"{file} cannot be read") from None


def _password(folder: Path | None) -> str:
    if folder is None:
        raise InvalidConnection(f"{USER_VARIABLE} needs {CREDENTIALS_VARIABLE}: the folder of its password")
    file = folder / PASSWORD_FILE
    try:
        password = file.read_text().strip()
    except (OSError, UnicodeError):
        raise InvalidConnection(f"{file} cannot be read") from None
    if not password:
        raise InvalidConnection(f"{file} is empty")
    return password
