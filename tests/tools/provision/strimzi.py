"""Strimzi's custom resource definitions. Its operator comes as a container image only, but its types are on Maven
Central, with the program that writes their definitions."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Final

from provision import maven, toolchains
from provision.cache import cache_root, sole_writer
from provision.catalogue import MODULES

POM: Final = MODULES / "strimzi" / "pom.xml"
GENERATOR: Final = "io.strimzi.crdgenerator.CrdGenerator"
KINDS: Final = ("kafka.Kafka", "nodepool.KafkaNodePool", "topic.KafkaTopic", "user.KafkaUser")


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
    print(
        "strimzi: writing its definitions, with libraries from Maven Central ...", file=sys.stderr, flush=True
    )
    jars, files = aside / "jars", aside / "files"
    files.mkdir()
    maven.copy_jars(pom=POM, into=jars)
    # The program needs Java 21, which few machines have; Maven is content with the machine's own.
    java = toolchains.install(toolchains.JAVA) / "java"
    maven.run(str(java), "-cp", f"{jars}{os.sep}*", *generator_arguments(files=files))
    return files
