"""The log of ``churnguard-serve``, one JSON object per line, as people read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from churnguard_cli.messages import printable
from churnguard_core.undecodable import UNDECODABLE

_FRAME: Final = frozenset({"time", "level", "logger", "message", "traceback"})
_SHOWN: Final = frozenset({"warning", "error", "critical"})


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line: its level (empty for what is no log entry), what happened, and the facts beside it."""

    level: str
    message: str
    facts: dict[str, Any]
    traceback: str = ""

    @property
    def ready_port(self) -> int | None:
        """The port on which the server began to listen, when this is what the line says."""
        port = self.facts.get("port")
        return port if self.message == "ready" and type(port) is int else None

    @property
    def worth_showing(self) -> bool:
        """Whether it is a warning, an error, or no log entry at all: a crash writes what it likes."""
        return self.level in _SHOWN or not self.level

    @property
    def problem(self) -> str:
        """What is wrong, in one line."""
        problem = self.facts.get("problem")
        return printable(problem if isinstance(problem, str) else self.message).partition("\n")[0]

    def text(self) -> str:
        """The entry as text, its facts in brackets, a traceback below it."""
        facts = ", ".join(f"{name}: {value}" for name, value in self.facts.items())
        first = f"{self.message} ({facts})" if facts else self.message
        return printable("\n".join(part for part in (first, self.traceback) if part))


def read_entry(line: bytes) -> Entry:
    """What a line says; a line that is no log entry is its own message."""
    try:
        found = msgspec.json.decode(line, type=dict[str, Any])
    except UNDECODABLE:
        return Entry(level="", message=line.decode(errors="replace").rstrip(), facts={})
    return Entry(
        level=str(found.get("level", "")),
        message=str(found.get("message", "")),
        facts={name: value for name, value in found.items() if name not in _FRAME},
        traceback=str(found.get("traceback", "")),
    )
