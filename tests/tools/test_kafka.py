"""The jars of a broker, by Maven."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from provision import kafka, maven
from provision.errors import ToolError


def test_without_maven_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURNGUARD_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="kafka: Maven is missing"):
        maven.copy_jars(pom=kafka.POM, into=tmp_path / "jars")
    assert kafka.provided() is None


def test_what_a_program_that_fails_has_said_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"(?s)sh fails:.*no such luck"):
        maven.run("sh", "-c", "echo no such luck; exit 3")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mvn") is None, reason="Kafka's jars need Maven")
def test_the_jars_are_those_of_the_pinned_version() -> None:
    jars = {file.name for file in kafka.provide().glob("*.jar")}
    version = kafka.POM.read_text().partition("<kafka.version>")[2].partition("<")[0]
    assert f"kafka_2.13-{version}.jar" in jars
    assert f"kafka-clients-{version}.jar" in jars
    assert kafka.provided() is not None
