"""The file of serving settings, read again when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Final

from churnguard_serving.settings import MOST_BYTES, InvalidSettings, Settings, parse_settings
from churnguard_web.mounted import MountedFile

SECONDS: Final = 2.0
"""Between looks at the file."""


def settings_file(path: Path) -> MountedFile[Settings]:
    """A file of settings."""
    return MountedFile(
        path=path,
        what="settings",
        most_bytes=MOST_BYTES,
        parse=parse_settings,
        invalid=InvalidSettings,
        seconds=SECONDS,
    )


def nothing_to_follow() -> Awaitable[None]:
    """For a server without such a file."""
    return asyncio.sleep(0)
