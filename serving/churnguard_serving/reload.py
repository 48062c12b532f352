"""The file of serving settings, read again when it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from churnguard_serving.settings import MOST_BYTES, InvalidSettings, Settings, parse_settings

log = logging.getLogger("churnguard.serving")

SECONDS: Final = 2.0
"""Between looks at the file. A mounted ConfigMap is swapped by a link, which file watchers miss."""


def read_settings(path: Path) -> Settings:
    """The settings of a file; InvalidSettings, which names it, when it cannot be read or used."""
    try:
        return parse_settings(_read(path))
    except InvalidSettings as invalid:
        raise InvalidSettings(f"{path}: {invalid}") from None


async def follow(path: Path, *, current: Settings, apply: Callable[[Settings], None]) -> None:
    """Apply the file's settings whenever they change; settings that cannot be used are logged and left.

    Args:
        path: The file.
        current: The settings that are applied already; the file may have changed since they were read.
        apply: Called with new settings.
    """
    seen: list[bytes | None] = []
    while True:
        await asyncio.sleep(SECONDS)
        content = await asyncio.to_thread(_read_quietly, path)
        if seen == [content]:
            continue
        seen = [content]
        found = _parse(path, content)
        if found is not None and found != current:
            current = found
            apply(found)
            log.info("settings changed", extra={"file": path.name})


def nothing_to_follow() -> Awaitable[None]:
    """For a server without such a file."""
    return asyncio.sleep(0)


def _parse(path: Path, content: bytes | None) -> Settings | None:
    try:
        if content is None:
            raise InvalidSettings("cannot be read")
        return parse_settings(content)
    except InvalidSettings as invalid:
        problem = {"file": path.name, "problem": str(invalid)}
        log.error("settings unchanged: the new file cannot be used", extra=problem)
        return None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidSettings(error.strerror or str(error)) from None


def _read_quietly(path: Path) -> bytes | None:
    try:
        return _read(path)
    except InvalidSettings:
        return None
