"""What a bundle store is, and the rules that every kind of store keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from churnguard_core.bundle import MANIFEST_NAME
from churnguard_storage.errors import StorageError

MANIFEST: Final = MANIFEST_NAME
"""A folder is a bundle when it holds this file, and only then."""

MAX_BUNDLE_BYTES: Final = 256 * 1024 * 1024
MAX_BUNDLE_FILES: Final = 1000

# A leading dot marks what is not finished: no part of a bundle's path or of its files' names may have one.
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}"
_PATH = re.compile(rf"{_SEGMENT}(/{_SEGMENT}){{0,9}}")


class BundleStore(Protocol):
    """Where bundles are kept; paths are below the store's root, such as ``retention/telco/telco-r7-0a1b…``.

    A bundle is there as a whole or not at all, whenever the writer dies, and is never overwritten.
    Every method raises StorageError when the store cannot be used.
    """

    @property
    def uri(self) -> str:
        """The store's root, without a slash at its end."""
        ...

    def put(self, path: str, files: Mapping[str, bytes]) -> str:
        """Write a bundle and return its URI; StorageError when another one has that path.

        Args:
            path: Where, below the root.
            files: Content by name (``plots/summary.png``), ``manifest.json`` among them. When the path holds
                a bundle with the same manifest already, nothing is written.
        """
        ...

    def get(self, path: str) -> dict[str, bytes]:
        """All files of a bundle, by path or URI; StorageError when there is none or it is larger than 256 MiB."""
        ...

    def list(self, prefix: str) -> tuple[str, ...]:
        """Paths of the complete bundles below a folder (``""``: all of them), sorted."""
        ...

    def delete(self, path: str) -> None:
        """Remove a bundle, never seen half gone; no error when it is not there."""
        ...

    def sweep(self, prefix: str, *, before: datetime) -> tuple[str, ...]:
        """Remove what killed writers left below a folder before a time; returns what went."""
        ...


def check_path(path: str) -> str:
    """The path of a bundle; ValueError when it could leave the store or be taken for an unfinished one."""
    if not _PATH.fullmatch(path):
        raise ValueError(f"{path!r} is no path of a bundle; expected <namespace>/<model>/<revision>-<digest>")
    return path


def check_prefix(prefix: str) -> str:
    """A folder of bundles (``""``: all), without a last slash; ValueError when it could leave the store."""
    stripped = prefix.rstrip("/")
    return check_path(stripped) if stripped else ""


def check_files(files: Mapping[str, bytes]) -> None:
    """ValueError when these cannot be the files of a bundle: a bug of the caller, not of the store."""
    if MANIFEST not in files:
        raise ValueError(f"a bundle needs {MANIFEST}")
    for name in files:
        if not _PATH.fullmatch(name) or name.endswith(f"/{MANIFEST}"):
            raise ValueError(f"{name!r} is no name of a file in a bundle")
    if len(files) > MAX_BUNDLE_FILES or sum(map(len, files.values())) > MAX_BUNDLE_BYTES:
        raise ValueError(f"a bundle has at most {MAX_BUNDLE_FILES} files and {MAX_BUNDLE_BYTES} bytes")


def path_in_store(store_uri: str, path_or_uri: str) -> str:
    """The path of a bundle that is given by path or by URI; StorageError when it belongs to another store."""
    if "://" not in path_or_uri:
        return check_path(path_or_uri)
    path = path_or_uri.removeprefix(f"{store_uri}/")
    if path == path_or_uri or not _PATH.fullmatch(path):
        raise StorageError([f"{path_or_uri} is no bundle of the store {store_uri}"])
    return path


class SizeBudget:
    """Counts what is read of one bundle and refuses when it is more than a bundle may have."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._bytes = MAX_BUNDLE_BYTES
        self._files = MAX_BUNDLE_FILES

    def spend(self, size: int) -> None:
        """Account for one more file of this many bytes."""
        self._bytes -= size
        self._files -= 1
        if self._bytes < 0 or self._files < 0:
            raise StorageError(
                [f"{self._uri} is no bundle: it has too many files or bytes"],
                hint=f"a bundle has at most {MAX_BUNDLE_FILES} files and {MAX_BUNDLE_BYTES >> 20} MiB",
            )


def no_bundle(uri: str) -> StorageError:
    """There is nothing complete at that address."""
    return StorageError([f"there is no bundle at {uri}"])


def already_taken(uri: str) -> StorageError:
    """The path holds another bundle, and bundles are never overwritten."""
    return StorageError(
        [f"{uri} holds a bundle with another manifest; bundles are never overwritten"],
        hint="train under a new revision name, or delete that bundle",
    )
