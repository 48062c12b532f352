"""What an image is made of, read from the Dockerfile: which of our files reach it, and a key of their content."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from churnguard_cluster.errors import ClusterError

REPOSITORY: Final = Path(__file__).parents[5]
FILE: Final = "Dockerfile"
KEY_LENGTH: Final = 12
# As in .dockerignore: tests lie beside the code, and no image holds them.
LEFT_OUT: Final = "tests"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of a Dockerfile: the stages it builds on or copies from, and what it copies from the repository."""

    name: str
    uses: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


def stages(text: str) -> dict[str, Stage]:
    """Stages by name, of a Dockerfile that names each, and copies with one source and one target."""
    found: dict[str, Stage] = {}
    stage = Stage(name="")
    for line in text.splitlines():
        match line.split():
            case ["FROM", base, "AS", name]:
                stage = found[name] = Stage(name=name, uses=[base])
            case ["COPY", option, _, _] if option.startswith("--from="):
                stage.uses.append(option.removeprefix("--from="))
            case ["COPY", source, _]:
                stage.sources.append(source)
            case [("FROM" | "COPY"), *_]:
                raise ClusterError(f"{FILE}: cannot read what this line uses: {line}")
    return found


def targets(text: str) -> list[str]:
    """Stages that end in a program: the images."""
    name, found = "", []
    for line in text.splitlines():
        match line.split():
            case ["FROM", _, "AS", name]:
                pass
            case ["ENTRYPOINT", *_]:
                found.append(name)
    return found


def published_base(text: str) -> str:
    """The base that the Dockerfile takes by itself."""
    for line in text.splitlines():
        if line.startswith("ARG BASE="):
            return line.removeprefix("ARG BASE=")
    raise ClusterError(f"{FILE} has no line ARG BASE=...")


def sources(text: str, *, target: str) -> set[str]:
    """Files and folders of the repository that can change the image."""
    known, found, waiting = stages(text), set[str](), [target]
    if target not in known:
        raise ClusterError(f"{FILE} has no target {target}; it has: {', '.join(targets(text))}")
    while waiting:
        # Bases from outside are no stages; they are part of the key as such.
        if stage := known.get(waiting.pop()):
            found.update(stage.sources)
            waiting.extend(stage.uses)
    return found


def key(*, target: str, base: str, repository: Path = REPOSITORY) -> str:
    """A name for all that determines the image: our files as they are now, the Dockerfile, the base."""
    text = (repository / FILE).read_text()
    content = hashlib.sha256()
    for part in (target, base, text, (repository / ".dockerignore").read_text()):
        content.update(part.encode() + b"\0")
    for path in _files(sources(text, target=target), repository=repository):
        file = repository / path
        mode = b"x" if file.stat().st_mode & 0o100 else b"-"
        content.update(path.encode() + b"\0" + mode + hashlib.sha256(file.read_bytes()).digest())
    return content.hexdigest()[:KEY_LENGTH]


def _files(found: set[str], *, repository: Path) -> list[str]:
    # New files count before they are committed; what git ignores (byte code) does not.
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *sorted(found)]
    listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
    paths = sorted(path for path in set(listed.split("\0")) if path)
    return [path for path in paths if not _is_left_out(path) and (repository / path).is_file()]


def _is_left_out(path: str) -> bool:
    return path.split("/")[1:2] == [LEFT_OUT]
