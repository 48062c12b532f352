"""Builds many tools: modules side by side, what comes from one module one after the other."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TextIO

from provision import binaries
from provision.binaries import Binary
from provision.errors import ToolError
from provision.report import Built

# While one build downloads or links, which is work for one processor at most, another compiles. Programs of one module
# share most packages: side by side, each would compile them.
SIDE_BY_SIDE: Final = 2


@dataclass(kw_only=True)
class Building:
    """How far the building of these is; it tells so on standard output."""

    missing: Sequence[Binary]
    built: list[Built] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Builds them; the others are built although one fails."""
        by_module: dict[str, list[tuple[int, Binary]]] = {}
        for number, binary in enumerate(self.missing, start=1):
            by_module.setdefault(binary.tool.module.name, []).append((number, binary))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            chains = [pool.submit(self._build_in_turn, chain) for chain in by_module.values()]
            try:
                for chain in chains:
                    chain.result()
            except BaseException:
                self.stopped.set()
                raise

    def _build_in_turn(self, chain: Sequence[tuple[int, Binary]]) -> None:
        for number, binary in chain:
            if not self.stopped.is_set():
                self._build(binary, step=f"[{number}/{len(self.missing)}] {binary.tool.name}")

    def _build(self, binary: Binary, *, step: str) -> None:
        _tell(f"{step}: building {binary.tool.package} ...")
        started = time.monotonic()
        try:
            binaries.build(binary=binary)
        except ToolError as error:
            _tell(f"{step}: {error}", file=sys.stderr)
            self.failed.append(binary.tool.name)
        else:
            seconds = time.monotonic() - started
            size = binary.path.stat().st_size
            self.built.append(Built(name=binary.tool.name, seconds=seconds, size=size))
            _tell(f"{step}: {seconds:.0f} s")


def _tell(text: str, *, file: TextIO | None = None) -> None:
    # In one piece: two builds tell at once.
    print(f"{text}\n", end="", file=file, flush=True)
