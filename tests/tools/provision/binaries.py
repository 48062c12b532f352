"""Built tools: where each belongs in the cache, and how it comes to be there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.cache import cache_root, sole_writer
from provision.catalogue import Stamp, Tool
from provision.errors import ToolError
from provision.golang import COMPILER_FLAGS, Go


@dataclass(frozen=True, kw_only=True)
class Binary:
    """A tool, the Go that builds it, and the file it becomes."""

    tool: Tool
    go: Go
    linker_flags: str
    path: Path


def required_version(*, path: str, go_mod: str) -> str:
    """The version of a module that a ``go.mod`` requires."""
    match = re.search(rf"^\s*(?:require )?{re.escape(path)} (v\S+)", go_mod, re.MULTILINE)
    if match is None:
        raise ToolError(f"go.mod requires no {path}, whose version is asked for.")
    return match[1]


def linker_flags(*, stamps: tuple[Stamp, ...], go_mod: str) -> str:
    """Strips symbols and sets what the program cannot know by itself."""
    flags = ["-s", "-w"]
    for stamp in stamps:
        version = required_version(path=stamp.path, go_mod=go_mod)
        major, minor, patch = version.removeprefix("v").split(".", maxsplit=2)
        for variable, text in stamp.variables.items():
            value = text.format(version=version, major=major, minor=minor, patch=patch)
            flags.append(f"-X {variable}={value}")
    return " ".join(flags)


def locate(*, tool: Tool, go: Go) -> Binary:
    """Where the tool's binary belongs, named by all that determines it: a changed pin is simply not there yet."""
    go_mod, go_sum = (tool.module.folder / name for name in ("go.mod", "go.sum"))
    programs = sorted(tool.module.folder.glob("*.go"))
    flags = linker_flags(stamps=tool.stamps, go_mod=go_mod.read_text())
    content = hashlib.sha256()
    for part in (tool.package, COMPILER_FLAGS, flags, go.described):
        content.update(part.encode() + b"\0")
    for file in (go_mod, go_sum, *programs):
        content.update(file.read_bytes() + b"\0")
    path = cache_root() / "tools" / f"{tool.name}-{content.hexdigest()[:16]}" / tool.name
    return Binary(tool=tool, go=go, linker_flags=flags, path=path)


def locate_all(*, tools: Sequence[Tool], go_for: Callable[..., Go]) -> list[Binary]:
    """Where all of them belong; Go is asked once for each module."""
    folders = {tool.module.folder for tool in tools}
    found = {folder: go_for(folder=folder) for folder in folders}
    return [locate(tool=tool, go=found[tool.module.folder]) for tool in tools]


def build(*, binary: Binary) -> None:
    """Builds aside and renames, so that a killed or a parallel run leaves nothing half."""
    with sole_writer(binary.path.parent) as aside:
        # Another process may have built it while this one waited.
        if binary.path.exists():
            return
        built = aside / binary.tool.name
        binary.go.build(package=binary.tool.package, linker_flags=binary.linker_flags, target=built)
        built.replace(binary.path)
