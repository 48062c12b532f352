"""The little Markdown that a card needs; what comes from the data is quoted so that it stays text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from churnguard_training.card.wording import SHOWN_NAME, one_line, short


def code(text: str, *, most: int = SHOWN_NAME) -> str:
    """A column's or category's name as inline code: nothing in it is markup, not even in a table."""
    quoted = short(text, most=most).replace("`", "'").replace("|", "¦")
    return f"`{quoted}`" if quoted else "(empty)"


def plain(text: str) -> str:
    """A sentence that may quote the data, such as a warning, without markup."""
    line = one_line(text)
    for mark in ("\\", "`", "*", "_", "<", "[", "|", "#"):
        line = line.replace(mark, f"\\{mark}")
    return line


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; columns after the first are aligned right when their header ends in a colon."""
    rule = ["---:" if cell.endswith(":") else "---" for cell in header]
    lines = [[cell.removesuffix(":") for cell in header], rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(texts: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"* {text}" for text in texts)


def section(title: str, *paragraphs: str) -> str:
    """A section of those paragraphs that are not empty; empty when none is left."""
    kept = [paragraph for paragraph in paragraphs if paragraph]
    return "\n\n".join([f"## {title}", *kept]) if kept else ""


def document(title: str, *parts: str) -> bytes:
    """The whole text."""
    return ("\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n").encode()
