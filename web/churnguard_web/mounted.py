"""A file that a cluster mounts, read again when it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

log = logging.getLogger("churnguard.web")

Content = TypeVar("Content")


@dataclass(frozen=True, kw_only=True)
class MountedFile(Generic[Content]):
    """A mounted ConfigMap or Secret. A swapped link puts another file in its place, which file watchers miss.

    Args:
        path: Where it is.
        what: What it holds, in the lines that are logged.
        most_bytes: How long it may be; one byte more is read, so that ``parse`` sees that there is more.
        parse: Its content from its bytes; raises ``invalid``.
        invalid: What is raised, with a sentence, when it cannot be read or used.
        seconds: Between two looks.
    """

    path: Path
    what: str
    most_bytes: int
    parse: Callable[[bytes], Content]
    invalid: type[Exception]
    seconds: float

    def read(self) -> Content:
        """Its content; ``invalid``, which names it, when it cannot be read or used."""
        try:
            return self.parse(self._bytes())
        except self.invalid as invalid:
            raise self.invalid(f"{self.path}: {invalid}") from None

    async def follow(self, *, current: Content, apply: Callable[[Content], None]) -> None:
        """Apply its content whenever that changes; what cannot be used is logged, and what was before stays.

        Args:
            current: What is applied already; the file may have changed since it was read.
            apply: Called with new content.
        """
        seen: bytes | str | None = None
        while True:
            await asyncio.sleep(self.seconds)  # between two looks
            found = await asyncio.to_thread(self._bytes_or_problem)
            if found == seen:
                continue
            seen = found
            content = self._usable(found)
            if content is not None and content != current:
                current = content
                apply(content)
                log.info(f"{self.what} changed", extra={"file": self.path.name})

    def _usable(self, found: bytes | str) -> Content | None:
        problem = found
        if isinstance(found, bytes):
            try:
                return self.parse(found)
            except self.invalid as invalid:
                problem = str(invalid)
        extra = {"file": self.path.name, "problem": problem}
        log.error(f"{self.what} unchanged: the new file cannot be used", extra=extra)
        return None

    def _bytes_or_problem(self) -> bytes | str:
        try:
            return self._bytes()
        except self.invalid as invalid:
            return str(invalid)

    def _bytes(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                return file.read(self.most_bytes + 1)
        except OSError as error:
            raise self.invalid(error.strerror or str(error)) from None
