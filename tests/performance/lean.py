"""An environment that holds one of our programs and what it needs, as its image does.

The environment of development holds more, and a library may do more because another is there: kopf takes twice the
memory when the official Kubernetes client is merely installed.
"""

from __future__ import annotations

import sysconfig
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

COMPILED: Final = "__pycache__"


def lean_python(name: str, *, folder: Path) -> Path:
    """The interpreter of a new environment in this folder, with links to a distribution and all that it requires.

    Nothing is downloaded: all is taken from the environment that runs this.
    """
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for each in required(name).values():
        for part in parts_of(each):
            (site / part.name).symlink_to(part)
    return folder / "bin" / "python"


def required(name: str) -> dict[str, Distribution]:
    """A distribution and all that it requires on this machine, by name."""
    found: dict[str, Distribution] = {}
    pending = [Requirement(name)]
    while pending:
        wanted = pending.pop()
        key = canonicalize_name(wanted.name)
        if key not in found:
            found[key] = distribution(key)
            pending += [each for each in _requirements(found[key]) if _is_meant(each, by=wanted)]
    return found


def parts_of(installed: Distribution) -> set[Path]:
    """The files and folders of a distribution that lie in site-packages itself."""
    tops = {file.parts[0] for file in installed.files or ()}
    return {Path(str(installed.locate_file(top))) for top in tops - {"..", COMPILED}}


def _requirements(installed: Distribution) -> list[Requirement]:
    return [Requirement(line) for line in installed.requires or ()]


def _is_meant(requirement: Requirement, *, by: Requirement) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in by.extras or {""})
