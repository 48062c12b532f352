"""The bundle: a folder of plain data that training leaves and serving loads.

``manifest.json`` names every other file with its SHA-256. *Content* determines answers and hold-out figures, and the
bundle's digest covers it: same data, spec and seed give the same digest. *Documents* (the model card and its plots)
and the *origin* (model, revision, time) stay outside that digest, the documents with hashes of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from churnguard_core.features import Feature
from churnguard_core.undecodable import UNDECODABLE

FORMAT: Final = 1
READABLE_FORMATS: Final = frozenset({1})
"""A server reads its own format and the previous one."""

MANIFEST_NAME: Final = "manifest.json"
SCORER_NAME: Final = "scorer.json"
PARITY_NAME: Final = "parity.json"
REFERENCE_NAME: Final = "reference.json"
EVALUATION_NAME: Final = "evaluation.json"
CARD_DATA_NAME: Final = "card.json"
CARD_NAME: Final = "card.md"

REQUIRED_CONTENT: Final = frozenset({SCORER_NAME, PARITY_NAME, REFERENCE_NAME, EVALUATION_NAME})


class FileDigest(Struct, frozen=True, kw_only=True):
    """A file's SHA-256 in hexadecimal, and its size in bytes."""

    sha256: str
    size: int


class Content(Struct, frozen=True, kw_only=True, rename="camel"):
    """What determines answers and hold-out figures.

    ``schema`` are the features that a caller may send. ``space`` says where reasons add up. ``data_digest`` and
    ``spec_digest`` identify what the model learnt from and how.
    """

    format: int
    task: Literal["churn"]
    algorithm: str
    space: Literal["logOdds", "probability"]
    schema: tuple[Feature, ...]
    data_digest: str
    spec_digest: str
    seed: int
    libraries: dict[str, str]
    files: dict[str, FileDigest]


class Origin(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a bundle comes from; the same model trained again has another origin and the same digest."""

    namespace: str
    model: str
    revision: str
    created_at: str


class Manifest(Struct, frozen=True, kw_only=True, rename="camel"):
    """A bundle's table of contents."""

    digest: str
    content: Content
    origin: Origin
    documents: dict[str, FileDigest] = field(default_factory=dict)


class InvalidBundle(ValueError):  # noqa: N818 - names what it is
    """A bundle that must not be loaded; ``problems`` says why, each naming a file."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def file_digest(data: bytes) -> FileDigest:
    """Digest of one file."""
    return FileDigest(sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def content_digest(content: Content) -> str:
    """Digest of a bundle, ``sha256:<hex>``: of its content's JSON without white space, so of every file named there."""
    return _digest_of(msgspec.json.encode(content, order="deterministic"))


def _digest_of(content: bytes | msgspec.Raw) -> str:
    # Of the text as it was written, not of what this program understands of it: a field added by a newer writer is
    # covered too, and a default added to a struct here changes no old bundle's digest.
    return "sha256:" + hashlib.sha256(msgspec.json.format(bytes(content), indent=-1)).hexdigest()


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as readable JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)


def verify_bundle(files: Mapping[str, bytes], *, digest: str | None = None) -> Manifest:
    """Check a bundle's files against its manifest, and the manifest against the digest that was handed over.

    Args:
        files: All files by their path in the bundle.
        digest: The expected digest; a digest that lies beside the files protects nothing.

    Raises:
        InvalidBundle: Missing, foreign, changed or truncated files, an unknown format, another digest.
    """
    manifest, actual = _decode_manifest(files)
    problems = _content_problems(manifest, files)
    if actual != manifest.digest:
        problems.append(f"{MANIFEST_NAME}: says digest {manifest.digest}, its content has {actual}")
    if digest is not None and digest != actual:
        problems.append(f"{MANIFEST_NAME}: expected digest {digest}, found {actual}")
    if problems:
        raise InvalidBundle(problems)
    return manifest


def _decode_manifest(files: Mapping[str, bytes]) -> tuple[Manifest, str]:
    """The manifest, and the digest of the content written in it."""
    data = files.get(MANIFEST_NAME)
    if data is None:
        raise InvalidBundle(
            [f"{MANIFEST_NAME}: missing; this folder is no bundle, or was not written to its end"]
        )
    try:
        version = msgspec.json.decode(data, type=_Versioned).content.format
        if version not in READABLE_FORMATS:
            raise InvalidBundle([_unreadable(version)])
        content = msgspec.json.decode(data, type=_Written).content
        return msgspec.json.decode(data, type=Manifest), _digest_of(content)
    except UNDECODABLE as error:
        raise InvalidBundle([f"{MANIFEST_NAME}: {error}"]) from None


def _unreadable(version: int) -> str:
    readable = ", ".join(map(str, sorted(READABLE_FORMATS)))
    what_to_do = "use a newer version" if version > FORMAT else "train again"
    return f"{MANIFEST_NAME}: format {version}; this program reads {readable}: {what_to_do}"


class _VersionedContent(Struct):
    format: int


class _Versioned(Struct):
    content: _VersionedContent


class _Written(Struct):
    content: msgspec.Raw


def _content_problems(manifest: Manifest, files: Mapping[str, bytes]) -> list[str]:
    content, documents = manifest.content.files, manifest.documents
    problems = [
        f"{name}: required, but not named in the manifest's content"
        for name in REQUIRED_CONTENT - content.keys()
    ]
    # A document's hash lies outside the digest: it must never stand in for the content's.
    problems += [f"{name}: named as content and as document" for name in content.keys() & documents.keys()]
    for name, expected in {**documents, **content}.items():
        data = files.get(name)
        if data is None:
            problems.append(f"{name}: missing")
        elif len(data) != expected.size:
            problems.append(f"{name}: has {len(data)} bytes, the manifest says {expected.size}")
        elif file_digest(data) != expected:
            problems.append(f"{name}: its SHA-256 differs from the manifest's")
    foreign = files.keys() - content.keys() - documents.keys() - {MANIFEST_NAME}
    problems += [f"{name}: not named by the manifest" for name in foreign]
    return sorted(problems)
