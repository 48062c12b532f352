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


async def follow(path: Path, apply: Callable[[Settings], None]) -> None:
    """Apply the file's settings whenever its content changes; settings that cannot be used are logged and left."""
    last = await asyncio.to_thread(_read_quietly, path)
    while True:
        await asyncio.sleep(SECONDS)
        content = await asyncio.to_thread(_read_quietly, path)
        if content != last:
            last = content
            _apply(path, content, apply)


def nothing_to_follow() -> Awaitable[None]:
    """For a server without such a file."""
    return asyncio.sleep(0)


def _apply(path: Path, content: bytes | None, apply: Callable[[Settings], None]) -> None:
    try:
        if content is None:
            raise InvalidSettings("cannot be read")
        apply(parse_settings(content))
    except InvalidSettings as invalid:
        log.error(
            "settings unchanged: the new file cannot be used",
            extra={"file": path.name, "problem": str(invalid)},
        )
    else:
        log.info("settings changed", extra={"file": path.name})


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
