"""Bundles in a folder: of this machine (``file://``) or of a mounted claim (``pvc://``)."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from churnguard_storage.errors import StorageError
from churnguard_storage.store import (
    MANIFEST,
    SizeBudget,
    already_taken,
    check_files,
    check_path,
    check_prefix,
    no_bundle,
    path_in_store,
)

UNFINISHED: Final = ".tmp-"
"""Folders with this prefix are being written or deleted."""


class FolderStore:
    """See :class:`~churnguard_storage.store.BundleStore`; a bundle appears by one atomic rename."""

    def __init__(self, *, uri: str, root: Path) -> None:
        self._uri = uri.rstrip("/")
        self._root = root

    @property
    def uri(self) -> str:
        """The store's root."""
        return self._uri

    def put(self, path: str, files: Mapping[str, bytes]) -> str:
        """Write aside, flush to disk, rename; a folder that is already there makes the rename fail."""
        check_files(files)
        uri = f"{self._uri}/{check_path(path)}"
        target = self._root / path
        with self._errors(uri):
            if target.exists():
                return _same_or_refuse(target, uri=uri, manifest=files[MANIFEST])
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = _unfinished_sibling(target)
            try:
                _write(unfinished, files)
                if not _renamed(unfinished, target):
                    return _same_or_refuse(target, uri=uri, manifest=files[MANIFEST])
                for folder in (target.parent, *target.parent.parents[: path.count("/")]):
                    _flush_folder(folder)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        return uri

    def get(self, path: str) -> dict[str, bytes]:
        """Read all files below the bundle's folder."""
        path = path_in_store(self._uri, path)
        uri, folder, files = f"{self._uri}/{path}", self._root / path, {}
        budget = SizeBudget(uri)
        with self._errors(uri):
            if not (folder / MANIFEST).is_file():
                raise no_bundle(uri)
            for file in _files_below(folder):
                budget.spend(file.stat().st_size)
                files[file.relative_to(folder).as_posix()] = file.read_bytes()
        return files

    def list(self, prefix: str) -> tuple[str, ...]:
        """Folders with a manifest, unfinished ones left out."""
        found = []
        with self._errors(f"{self._uri}/{prefix}"):
            for folder, names, files in _walk(self._root / check_prefix(prefix)):
                names[:] = [] if MANIFEST in files else [name for name in names if not name.startswith(".")]
                if MANIFEST in files:
                    found.append(Path(folder).relative_to(self._root).as_posix())
        return tuple(sorted(found))

    def delete(self, path: str) -> None:
        """Rename aside, then remove."""
        target = self._root / check_path(path)
        with self._errors(f"{self._uri}/{path}"):
            unfinished = _unfinished_sibling(target)
            try:
                target.rename(unfinished)
            except FileNotFoundError:
                return
            shutil.rmtree(unfinished)

    def sweep(self, prefix: str, *, before: datetime) -> tuple[str, ...]:
        """Remove unfinished folders that were last changed before a time."""
        swept = []
        with self._errors(f"{self._uri}/{prefix}"):
            for folder, names, _ in _walk(self._root / check_prefix(prefix)):
                unfinished = [Path(folder, name) for name in names if name.startswith(UNFINISHED)]
                names[:] = [name for name in names if not name.startswith(".")]
                for leftover in unfinished:
                    if leftover.stat().st_mtime < before.timestamp():
                        shutil.rmtree(leftover)
                        swept.append(leftover.relative_to(self._root).as_posix())
        return tuple(sorted(swept))

    @contextmanager
    def _errors(self, uri: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                [f"the store cannot be used: {error.strerror or type(error).__name__} at {uri}"],
            ) from None


def _same_or_refuse(target: Path, *, uri: str, manifest: bytes) -> str:
    try:
        same = (target / MANIFEST).read_bytes() == manifest
    except FileNotFoundError:
        same = False
    if not same:
        raise already_taken(uri)
    return uri


def _unfinished_sibling(target: Path) -> Path:
    # Beside its target: a rename is atomic within one file system only.
    return target.with_name(f"{UNFINISHED}{uuid4().hex}")


def _renamed(source: Path, target: Path) -> bool:
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    return True


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    for inner, _, _ in os.walk(folder):
        _flush_folder(Path(inner))


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files_below(folder: Path) -> Iterator[Path]:
    for inner, _, names in _walk(folder):
        yield from (Path(inner, name) for name in sorted(names))


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """``os.walk`` that raises where that one leaves out what it cannot read; a missing folder is empty."""

    def fail(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    return os.walk(folder, onerror=fail)
