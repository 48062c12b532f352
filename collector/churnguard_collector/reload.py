"""The file of keys, read again when it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from churnguard_collector.keys import MOST_BYTES, InvalidKeys, Keys, parse_keys
from churnguard_web.mounted import MountedFile

SECONDS: Final = 1.0
"""Between looks at the file."""


def keys_file(path: Path) -> MountedFile[Keys]:
    """A file of keys."""
    return MountedFile(
        path=path, what="keys", most_bytes=MOST_BYTES, parse=parse_keys, invalid=InvalidKeys, seconds=SECONDS
    )
