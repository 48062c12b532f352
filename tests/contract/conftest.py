from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder with the golden files."""
    return HERE


@pytest.fixture(scope="session")
def golden_bundle() -> Callable[[str], dict[str, bytes]]:
    """``golden_bundle(name)``: the files of one golden bundle by path."""

    def read(name: str) -> dict[str, bytes]:
        folder = HERE / "bundle_v1" / name
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read
