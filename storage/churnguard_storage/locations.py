"""Addresses of files and stores: ``file://``, ``pvc://`` and ``s3://``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from churnguard_core.names import CLAIM_MOUNT_ROOT
from churnguard_storage.errors import StorageError

CLAIM_ROOT_VARIABLE: Final = "CHURNGUARD_CLAIM_ROOT"

_CLAIM = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")


@dataclass(frozen=True, kw_only=True)
class FolderLocation:
    """A path of this machine. ``boundary`` is the claim's mount, which no symbolic link may leave."""

    uri: str
    path: Path
    boundary: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ObjectLocation:
    """A bucket and a key (or a prefix of keys) in it; without slashes at the key's ends."""

    uri: str
    bucket: str
    key: str


Location = FolderLocation | ObjectLocation


def parse_location(uri: str, *, environ: Mapping[str, str]) -> Location:
    """Where a URI points.

    A claim ``C`` is the folder ``C`` below ``CHURNGUARD_CLAIM_ROOT`` (by default ``/mnt/churnguard``).
    ``file://`` is percent-decoded, as ``Path.as_uri`` writes it; the other two are taken literally.

    Raises:
        StorageError: It is no such URI, or a ``pvc://`` path climbs out of its claim.
    """
    scheme, separator, rest = uri.partition("://")
    problem = ""
    if not separator or scheme not in ("file", "pvc", "s3"):
        problem = "is no address of the kinds file:///path, pvc://claim/path, s3://bucket/key"
    elif not uri.isprintable():
        problem = "holds control characters"
    elif scheme == "file":
        path = Path(unquote(rest.removeprefix("localhost")))
        if path.is_absolute() and "\0" not in str(path):
            return FolderLocation(uri=uri, path=path)
        problem = "must name an absolute path, with three slashes: file:///data/customers.csv"
    else:
        return _parse_remote(uri, scheme=scheme, rest=rest, environ=environ)
    raise StorageError([f"{uri!r} {problem}"])


def _parse_remote(uri: str, *, scheme: str, rest: str, environ: Mapping[str, str]) -> Location:
    name, _, path = rest.partition("/")
    segments = path.strip("/").split("/") if path.strip("/") else []
    if any(segment in ("", ".", "..") for segment in segments):
        raise StorageError([f"the path of {uri} has an empty, '.' or '..' segment"])
    if scheme == "s3":
        if not _BUCKET.fullmatch(name):
            raise StorageError([f"{name!r} in {uri!r} is no name of a bucket"])
        return ObjectLocation(uri=uri, bucket=name, key="/".join(segments))
    if not _CLAIM.fullmatch(name):
        raise StorageError([f"{name!r} in {uri!r} is no name of a PersistentVolumeClaim"])
    boundary = Path(environ.get(CLAIM_ROOT_VARIABLE) or CLAIM_MOUNT_ROOT) / name
    return FolderLocation(uri=uri, path=boundary.joinpath(*segments), boundary=boundary)


def check_inside_claim(location: FolderLocation) -> None:
    """Refuse a claim that is not mounted, and a path that leaves its claim by a symbolic link."""
    if location.boundary is None:
        return
    if not location.boundary.is_dir():
        raise StorageError(
            [f"the claim of {location.uri} is not mounted"],
            hint="the PersistentVolumeClaim must exist in the ChurnModel's namespace",
        )
    if not location.path.resolve().is_relative_to(location.boundary.resolve()):
        raise StorageError([f"{location.uri} leads out of its claim by a symbolic link"])
