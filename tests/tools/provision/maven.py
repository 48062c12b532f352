"""Java programs and libraries from Maven Central, as a pinned ``pom.xml`` says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from provision.errors import ToolError

LINES: Final = 20
"""Of what a program that fails has said, so many are told."""


def copy_jars(*, pom: Path, into: Path) -> None:
    """Copy what a project depends on; ToolError when there is no Maven, or it fails."""
    if shutil.which("mvn") is None:
        raise ToolError(f"{pom.parent.name}: Maven is missing (on Debian and Ubuntu install maven).")
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={into}"]
    run("mvn", "--batch-mode", "--quiet", "--file", str(pom), *copy)


def run(*command: str) -> None:
    """Run a program to its end; ToolError with its last lines when it fails."""
    done: subprocess.CompletedProcess[str] = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise ToolError(_told(command, output=(done.stdout + done.stderr).splitlines()))


def _told(command: Sequence[str], *, output: Sequence[str]) -> str:
    return "\n".join([f"{Path(command[0]).name} fails:", *output[-LINES:]])
