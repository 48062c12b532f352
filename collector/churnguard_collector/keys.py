"""Write keys and workspaces: who may send, and what is done with what they send. Pure.

The file holds no key, only the SHA-256 of each. Keys are long random texts, so a plain hash cannot be undone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from churnguard_core.events.subjects import LEAST_SECRET, MOST_SECRET, SubjectKey

MOST_BYTES: Final = 1024 * 1024

Name = Annotated[str, Meta(pattern="^[a-z][-a-z0-9]{0,39}$")]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Origin = Annotated[str, Meta(pattern=r"^(\*|https?://[^/\s]+)$")]
Rate = Annotated[float, Meta(gt=0, le=1_000_000)]


class SubjectSecret(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The key of a workspace's subjects; ``secret`` is Base64 of 32 to 64 random bytes."""

    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    secret: str


class Privacy(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a workspace keeps of people.

    ``ip``: nothing of it, or the network (/24, /48). ``consent``: the category that an event's
    ``context.consent.categoryPreferences`` must allow. ``do_not_track``: honour DNT and Sec-GPC.
    """

    ip: Literal["drop", "truncate"] = "drop"
    consent: str | None = None
    do_not_track: bool = False


class WorkspaceEntry(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A workspace in the file."""

    subject_key: SubjectSecret
    privacy: Privacy = Privacy()


class KeyEntry(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A key in the file.

    A ``browser`` key is public: it may come from its ``origins`` only. A ``server`` key is secret: it may send an IP
    and events of any day that is kept, and a browser may not use it. ``events_per_second`` bounds it in each
    collector, with ``burst`` events at once.
    """

    id: Name
    sha256: Digest
    kind: Literal["browser", "server"]
    workspace: Name
    origins: tuple[Origin, ...] = ()
    events_per_second: Rate | None = None
    burst: Annotated[int, Meta(ge=500, le=1_000_000)] = 1_000


class KeyFile(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The whole file."""

    workspaces: dict[Name, WorkspaceEntry]
    keys: tuple[KeyEntry, ...]


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Whose events they are."""

    name: str
    subject_key: SubjectKey
    privacy: Privacy


@dataclass(frozen=True, kw_only=True)
class WriteKey:
    """A key that was found, with its workspace; ``id`` names it where the key itself must not stand."""

    id: str
    kind: Literal["browser", "server"]
    workspace: Workspace
    origins: frozenset[str]
    events_per_second: float | None
    burst: int

    def allows_origin(self, origin: str) -> bool:
        """Whether a page of this origin may use the key; a server's key has no origins."""
        return "*" in self.origins or origin in self.origins


@dataclass(frozen=True)
class Keys:
    """All keys by their hashes."""

    by_digest: Mapping[str, WriteKey]
    _found: dict[str, WriteKey] = field(default_factory=dict, init=False, repr=False, compare=False)

    def find(self, key: str) -> WriteKey | None:
        """The key, or None when there is no such key."""
        found = self._found.get(key)
        if found is None:
            found = self.by_digest.get(sha256(key.encode()).hexdigest())
            # Only those that exist, so never more than there are.
            if found is not None:
                self._found[key] = found
        return found

    def any_allows_origin(self, origin: str) -> bool:
        """Whether pages of this origin may send at all: a preflight does not say with which key."""
        return any(key.allows_origin(origin) for key in self.by_digest.values())


class InvalidKeys(ValueError):  # noqa: N818 - names what it is about
    """The file of keys cannot be used; the message says everything that is wrong, and no secret."""


def parse_keys(data: bytes) -> Keys:
    """Keys from JSON; InvalidKeys when it is none, or a field is unknown, of a wrong type or out of its bounds."""
    if len(data) > MOST_BYTES:
        raise InvalidKeys(f"larger than {MOST_BYTES // 1024} KiB")
    try:
        file = msgspec.json.decode(data, type=KeyFile)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidKeys(str(error)) from None
    problems: list[str] = []
    workspaces = {
        name: workspace
        for name, entry in file.workspaces.items()
        if (workspace := _workspace(name, entry, problems=problems)) is not None
    }
    problems += _repeated("id", [entry.id for entry in file.keys])
    problems += _repeated("sha256", [entry.sha256 for entry in file.keys])
    for entry in file.keys:
        if entry.workspace not in file.workspaces:
            problems.append(f"keys[{entry.id}]: there is no workspace {entry.workspace}")
        if (entry.kind == "browser") != bool(entry.origins):
            problems.append(f"keys[{entry.id}]: browser keys have origins, server keys have none")
    if problems:
        raise InvalidKeys("; ".join(problems))
    return Keys({entry.sha256: _key(entry, workspaces[entry.workspace]) for entry in file.keys})


def _workspace(name: str, entry: WorkspaceEntry, *, problems: list[str]) -> Workspace | None:
    try:
        secret = base64.b64decode(entry.subject_key.secret, validate=True)
        key = SubjectKey(version=entry.subject_key.version, secret=secret)
    except (binascii.Error, ValueError):
        wanted = f"expected Base64 of {LEAST_SECRET} to {MOST_SECRET} bytes"
        problems.append(f"workspaces[{name}].subjectKey.secret: {wanted}")
        return None
    return Workspace(name=name, subject_key=key, privacy=entry.privacy)


def _repeated(field: str, values: list[str]) -> list[str]:
    return [
        f"keys: the {field} {value} is there twice"
        for value in sorted(set(values))
        if values.count(value) > 1
    ]


def _key(entry: KeyEntry, workspace: Workspace) -> WriteKey:
    return WriteKey(
        id=entry.id,
        kind=entry.kind,
        workspace=workspace,
        origins=frozenset(entry.origins),
        events_per_second=entry.events_per_second,
        burst=entry.burst,
    )
