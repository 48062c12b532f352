"""Subjects: what stands for a person everywhere behind the collector.

A subject is a keyed hash of the person's id. Whoever has the key can find the subject of an id; nobody can find the
id of a subject without trying ids. The key belongs to a workspace and has a version, which the subject names. It does
not change with the clock: the same person would be two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

LEAST_SECRET: Final = 32
MOST_SECRET: Final = 64
"""Bytes of a secret, as BLAKE2b takes them."""
_BYTES: Final = 16
_PERSON: Final = b"churnguard/id"
_GROUP: Final = b"churnguard/group"


@dataclass(frozen=True, kw_only=True)
class SubjectKey:
    """A workspace's key; ValueError when the secret has a wrong length or the version is no positive number."""

    version: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not LEAST_SECRET <= len(self.secret) <= MOST_SECRET:
            raise ValueError(f"a secret has {LEAST_SECRET} to {MOST_SECRET} bytes, not {len(self.secret)}")
        if self.version < 1:
            raise ValueError("versions count from 1")


def subject_of(person: str, *, key: SubjectKey) -> str:
    """The subject of a user's or a visitor's id, such as ``k1_0f3a...``; one id is one subject, whichever it is."""
    return _hash(person, key=key, purpose=_PERSON)


def group_subject_of(group: str, *, key: SubjectKey) -> str:
    """The subject of a group's id, which is never that of a person."""
    return _hash(group, key=key, purpose=_GROUP)


def _hash(text: str, *, key: SubjectKey, purpose: bytes) -> str:
    digest = blake2b(text.encode(), key=key.secret, person=purpose, digest_size=_BYTES)
    return f"k{key.version}_{digest.hexdigest()}"
