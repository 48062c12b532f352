"""A built image."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

REGISTRY: Final = "docker.io/library/"
PREFIX: Final = "churnguard-"


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image under the name that pods use, and the archive that holds it."""

    component: str
    name: str
    archive: Path
    bytes: int
    base_bytes: int

    @property
    def reference(self) -> str:
        """Its full name, as containerd completes what pods and archives call it."""
        return f"{REGISTRY}{self.name}"

    @property
    def megabytes_on_base(self) -> float:
        """What it adds to its base, uncompressed, in units of a million bytes."""
        return (self.bytes - self.base_bytes) / 1e6

    def describe(self) -> str:
        """One line for people."""
        base = self.base_bytes / 1e6
        return f"{self.component}: {self.megabytes_on_base:.0f} MB on a base of {base:.0f} MB, {self.name}"

    def note(self) -> None:
        """Writes down, beside the archive, what the archive does not say."""
        content = asdict(self) | {"archive": self.archive.name}
        self._note_of(self.archive).write_text(json.dumps(content))

    @classmethod
    def noted(cls, archive: Path) -> Image | None:
        """The image of an archive; none when it was not built, or not to the end."""
        note = cls._note_of(archive)
        if not (note.exists() and archive.exists()):
            return None
        return cls(**json.loads(note.read_text()) | {"archive": archive})

    @staticmethod
    def _note_of(archive: Path) -> Path:
        return archive.with_suffix(".json")
