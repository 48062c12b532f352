"""Certificates and users of a broker that tests start, in files as Strimzi's Secrets have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import trustme
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

SECONDS: Final = 120.0
ITERATIONS: Final = 4096
"""The least that Kafka takes."""


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """The authority's certificate, and the brokers' own with its key."""

    authority: Path
    key_store: Path


@dataclass(frozen=True, kw_only=True)
class User:
    """A user, and a folder with the files ``password`` and ``ca.crt``."""

    name: str
    folder: Path


def make_secrets(folder: Path) -> Secrets:
    """An authority, and a certificate of it for servers on loopback."""
    folder.mkdir(parents=True, mode=0o700)
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    # Kafka reads private keys as PKCS 8 only.
    key = load_pem_private_key(server.private_key_pem.bytes(), None)
    lines = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    secrets = Secrets(authority=folder / "ca.crt", key_store=folder / "server.pem")
    secrets.authority.write_bytes(authority.cert_pem.bytes())
    secrets.key_store.write_bytes(lines + b"".join(each.bytes() for each in server.cert_chain_pems))
    return secrets


def create_user(
    admin: AdminClient,
    *,
    name: str,
    password: str,
    writes: Sequence[str],
    reads: Sequence[str],
    folder: Path,
    secrets: Secrets,
) -> User:
    """Make a user with a password, and grant what begins like these."""
    files = folder / name
    files.mkdir(parents=True)
    (files / "ca.crt").write_bytes(secrets.authority.read_bytes())
    user = User(name=name, folder=files)
    change_password(admin, user, password=password)
    grant(admin, user, writes=writes, reads=reads)
    return user


def change_password(admin: AdminClient, user: User, *, password: str) -> None:
    """Set a user's password, and then the file that has it."""
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    upsertion = UserScramCredentialUpsertion(user.name, info, password.encode())
    for done in admin.alter_user_scram_credentials([upsertion]).values():
        done.result(SECONDS)
    (user.folder / "password").write_text(password)


def grant(admin: AdminClient, user: User, *, writes: Sequence[str] = (), reads: Sequence[str] = ()) -> None:
    """Grant what begins like these."""
    # Who may read and write is granted once to describe.
    granted = [*dict.fromkeys(_grants(user.name, writes=writes, reads=reads))]
    for done in admin.create_acls(granted).values() if granted else ():
        done.result(SECONDS)


def take_rights(admin: AdminClient, user: User) -> None:
    """Take all that was granted to a user."""
    # None is any; the types do not know it.
    anything: Any = None
    everything = AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        f"User:{user.name}",
        anything,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    for done in admin.delete_acls([everything]).values():
        done.result(SECONDS)


def _grants(user: str, *, writes: Sequence[str], reads: Sequence[str]) -> Iterator[AclBinding]:
    for prefix in writes:
        for operation in (AclOperation.WRITE, AclOperation.DESCRIBE):
            yield _grant(user, ResourceType.TOPIC, prefix, operation)
    for prefix in reads:
        for operation in (AclOperation.READ, AclOperation.DESCRIBE):
            yield _grant(user, ResourceType.TOPIC, prefix, operation)
        yield _grant(user, ResourceType.GROUP, prefix, AclOperation.READ)


def _grant(user: str, kind: ResourceType, prefix: str, operation: AclOperation) -> AclBinding:
    return AclBinding(
        kind,
        prefix,
        ResourcePatternType.PREFIXED,
        f"User:{user}",
        "*",
        operation,
        AclPermissionType.ALLOW,
    )
