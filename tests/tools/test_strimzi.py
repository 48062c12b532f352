"""Strimzi's custom resource definitions, by Strimzi's own program."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from provision import strimzi
from provision.errors import ToolError


def test_every_definition_goes_to_a_file_of_its_own_with_an_absolute_path() -> None:
    program, *_, kafka, pool, topic, user = strimzi.generator_arguments(files=Path("here"))
    assert program == "io.strimzi.crdgenerator.CrdGenerator"
    assert kafka == f"io.strimzi.api.kafka.model.kafka.Kafka={Path.cwd()}/here/kafka.yaml"
    assert [each.rpartition("/")[2] for each in (pool, topic, user)] == [
        "kafkanodepool.yaml",
        "kafkatopic.yaml",
        "kafkauser.yaml",
    ]


def test_without_maven_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURNGUARD_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="install maven"):
        strimzi.provide()
    assert not (strimzi.folder() / "files").exists()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mvn") is None, reason="Strimzi's definitions need Maven")
def test_the_definitions_are_those_of_strimzi() -> None:
    found = [yaml.safe_load(file.read_text()) for file in sorted(strimzi.provide().glob("*.yaml"))]
    assert {each["kind"] for each in found} == {"CustomResourceDefinition"}
    names = [each["metadata"]["name"].removesuffix(".kafka.strimzi.io") for each in found]
    assert names == ["kafkas", "kafkanodepools", "kafkatopics", "kafkausers"]
    assert all("v1" in [version["name"] for version in each["spec"]["versions"]] for each in found)
