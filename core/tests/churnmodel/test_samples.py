from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.reference import EXAMPLE
from churnguard_core.churnmodel.types import FileSource, PostgresSource, SimulatorSource

SAMPLES = sorted((Path(__file__).parents[3] / "manifests" / "samples").glob("*.yaml"))


def test_the_samples_are_the_documented_ones() -> None:
    assert [path.name for path in SAMPLES] == [
        "shoppers.yaml",
        "telco-csv.yaml",
        "telco.yaml",
        "warehouse.yaml",
    ]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_parses_and_survives_a_round_trip(path: Path) -> None:
    model = parse_churnmodel(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert parse_churnmodel(msgspec.to_builtins(model)) == model
    assert msgspec.json.decode(msgspec.json.encode(model), type=type(model)) == model


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_opens_with_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_every_kind_of_source_has_a_sample() -> None:
    sources = [parse_churnmodel(yaml.safe_load(path.read_text())).spec.data.source for path in SAMPLES]
    given = {type(part) for source in sources for part in (source.simulator, source.file, source.postgres)}
    assert given >= {SimulatorSource, FileSource, PostgresSource}


def test_the_example_of_the_reference_page_is_valid() -> None:
    assert parse_churnmodel(yaml.safe_load(EXAMPLE)).metadata.name == "telco"
