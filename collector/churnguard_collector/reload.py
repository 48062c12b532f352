"""The file of keys, read again when it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from churnguard_collector.keys import MOST_BYTES, InvalidKeys, Keys, parse_keys

log = logging.getLogger("churnguard.collector")

SECONDS: Final = 1.0
"""Between looks at the file. A mounted Secret is swapped by a link, which file watchers miss."""


def read_keys(path: Path) -> Keys:
    """The keys of a file; InvalidKeys, which names it, when it cannot be read or used."""
    try:
        return parse_keys(_read(path))
    except InvalidKeys as invalid:
        raise InvalidKeys(f"{path}: {invalid}") from None


async def follow(
    path: Path, *, current: Keys, apply: Callable[[Keys], None], seconds: float = SECONDS
) -> None:
    """Apply the file's keys whenever they change; what cannot be used is logged, and the keys before it stay.

    Args:
        path: The file.
        current: The keys that are applied already; the file may have changed since they were read.
        apply: Called with new keys.
        seconds: Between two looks.
    """
    seen: bytes | str = b""
    while True:
        await asyncio.sleep(seconds)  # between two looks
        content = await asyncio.to_thread(_content, path)
        if content == seen:
            continue
        seen = content
        found = _parse(path, content)
        if found is not None and found != current:
            current = found
            apply(found)
            log.info("keys changed", extra={"file": path.name})


def _parse(path: Path, content: bytes | str) -> Keys | None:
    try:
        if isinstance(content, str):
            raise InvalidKeys(content)
        return parse_keys(content)
    except InvalidKeys as invalid:
        problem = {"file": path.name, "problem": str(invalid)}
        log.error("keys unchanged: the new file cannot be used", extra=problem)
        return None


def _content(path: Path) -> bytes | str:
    """The file's bytes, or why it cannot be read."""
    try:
        return _read(path)
    except InvalidKeys as invalid:
        return str(invalid)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidKeys(error.strerror or str(error)) from None
