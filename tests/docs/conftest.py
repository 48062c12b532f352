from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

Blocks = Callable[[str, str], list[str]]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def blocks() -> Blocks:
    """``blocks(page, language)``: the fenced code blocks of a page in that language."""

    def read(page: str, language: str) -> list[str]:
        text = (ROOT / page).read_text(encoding="utf-8")
        return [match["text"] for match in _BLOCK.finditer(text) if match["language"] == language]

    return read


@pytest.fixture(scope="session")
def table_keys() -> Callable[[str, str], list[str]]:
    """``table_keys(page, heading)``: the names in code in the first column of the tables below a heading."""

    def read(page: str, heading: str) -> list[str]:
        text = (ROOT / page).read_text(encoding="utf-8")
        section = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
        section = re.split(r"^#+ ", section, flags=re.MULTILINE)[0]
        rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]
        return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]

    return read
