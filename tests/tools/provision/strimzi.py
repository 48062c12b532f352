"""Strimzi's custom resource definitions. Its operator comes as a container image only, but its types are on Maven
Central, with the program that writes their definitions."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from provision import toolchains
from provision.cache import cache_root, sole_writer
from provision.catalogue import MODULES
from provision.errors import ToolError

POM: Final = MODULES / "strimzi" / "pom.xml"
GENERATOR: Final = "io.strimzi.crdgenerator.CrdGenerator"
KINDS: Final = ("kafka.Kafka", "nodepool.KafkaNodePool", "topic.KafkaTopic", "user.KafkaUser")
LINES: Final = 20


def folder() -> Path:
    """Where the definitions belong, named by all that determines them."""
    content = hashlib.sha256(POM.read_bytes() + "\0".join(KINDS).encode())
    return cache_root() / "crds" / f"strimzi-{content.hexdigest()[:16]}"


def provide() -> Path:
    """Folder of the definitions, one file each, after they were written when they were not there."""
    target = folder() / "files"
    if not target.exists():
        with sole_writer(folder()) as aside:
            # Another process may have finished meanwhile.
            if not target.exists():
                _write(aside).replace(target)
    return target


def generator_arguments(*, files: Path) -> list[str]:
    """What the program is asked for; it takes absolute paths only, and fails without a word on others."""
    wanted = [
        f"io.strimzi.api.kafka.model.{kind}={files.absolute() / kind.rpartition('.')[2].lower()}.yaml"
        for kind in KINDS
    ]
    return [GENERATOR, "--yaml", "--crd-api-version", "v1", *wanted]


def _write(aside: Path) -> Path:
    if shutil.which("mvn") is None:
        raise ToolError("Strimzi's definitions: Maven is missing (on Debian and Ubuntu install maven).")
    print(
        "strimzi: writing its definitions, with libraries from Maven Central ...", file=sys.stderr, flush=True
    )
    # The program needs Java 21, which few machines have; Maven is content with the machine's own.
    java = toolchains.install(toolchains.JAVA) / "java"
    jars, files = aside / "jars", aside / "files"
    files.mkdir()
    copy = ["dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
    _run("mvn", "--batch-mode", "--quiet", "--file", str(POM), *copy)
    _run(str(java), "-cp", f"{jars}{os.sep}*", *generator_arguments(files=files))
    return files


def _run(*command: str) -> None:
    done: subprocess.CompletedProcess[str] = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise ToolError(_told(command, output=(done.stdout + done.stderr).splitlines()))


def _told(command: Sequence[str], *, output: Sequence[str]) -> str:
    return "\n".join([f"Strimzi's definitions: {Path(command[0]).name} fails:", *output[-LINES:]])
