"""Apache Kafka: the jars of a broker, and a Java that runs them."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Final

from provision import maven, toolchains
from provision.cache import cache_root, sole_writer
from provision.catalogue import MODULES

NAME: Final = "kafka"
POM: Final = MODULES / NAME / "pom.xml"


def folder() -> Path:
    """Where the jars belong, named by all that determines them."""
    content = hashlib.sha256(POM.read_bytes())
    return cache_root() / "jars" / f"{NAME}-{content.hexdigest()[:16]}"


def provided() -> Path | None:
    """Folder of the jars, if they and a Java are there."""
    target = folder() / "files"
    return target if target.exists() and toolchains.installed_program(toolchains.JAVA) else None


def provide() -> Path:
    """Folder of the jars, after they and Java were brought when they were not there."""
    toolchains.install(toolchains.JAVA)
    target = folder() / "files"
    if not target.exists():
        with sole_writer(folder()) as aside:
            # Another process may have finished meanwhile.
            if not target.exists():
                print("kafka: copying its jars from Maven Central ...", file=sys.stderr, flush=True)
                maven.copy_jars(pom=POM, into=aside / "files")
                (aside / "files").replace(target)
    return target
