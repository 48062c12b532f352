"""Reading a bundle's folder, with bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from churnguard_core.bundle import MANIFEST_NAME, InvalidBundle

MOST_FILES: Final = 1000
MOST_BYTES: Final = 256 * 1024 * 1024


def read_bundle_folder(folder: Path) -> dict[str, bytes]:
    """All files below a folder by their path in it.

    Raises:
        InvalidBundle: It is no bundle's folder, cannot be read, or is larger than any bundle.
    """
    if not (folder / MANIFEST_NAME).is_file():
        raise InvalidBundle([f"{folder}: {_why_no_bundle(folder)}"])
    files: dict[str, bytes] = {}
    size = 0
    try:
        for path in _files(folder):
            size += path.stat().st_size
            if len(files) == MOST_FILES or size > MOST_BYTES:
                raise InvalidBundle([f"{folder}: more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB"])
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    except OSError as error:
        raise InvalidBundle([f"{error.filename or folder}: {error.strerror or error}"]) from None
    return files


def bundles_below(folder: Path) -> list[Path]:
    """Folders with a manifest below this one, at most as deep as a store is."""
    return sorted(path.parent for path in folder.glob(f"*/*/*/{MANIFEST_NAME}")) or sorted(
        path.parent for path in folder.glob(f"*/{MANIFEST_NAME}")
    )


def _why_no_bundle(folder: Path) -> str:
    if not folder.exists():
        return "No such file or directory"
    if not folder.is_dir():
        return "a bundle is a folder, this is a file"
    return f"no bundle: it has no {MANIFEST_NAME}"


def _files(folder: Path) -> list[Path]:
    def fail(error: OSError) -> None:
        raise error

    return [Path(inner, name) for inner, _, names in os.walk(folder, onerror=fail) for name in sorted(names)]
