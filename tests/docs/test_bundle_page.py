"""docs/bundle.md: its arithmetic is that of the scorer, and its tables have the fields of the format."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import Struct
from msgspec import inspect as types

from churnguard_core import bundle
from churnguard_core.bundle import Content, Manifest
from churnguard_core.features import BooleanFeature, NumericFeature
from churnguard_scoring.bundle import ParityRecord
from churnguard_scoring.models import Linear, RadialBasis, Trees
from churnguard_scoring.scorer import Scorer, ScorerDefinition

PAGE = "docs/bundle.md"

Keys = Callable[[str, str], list[str]]


def fields_of(struct: type[Struct]) -> set[str]:
    info = types.type_info(struct)
    assert isinstance(info, types.StructType)
    return {field.encode_name for field in info.fields}


@pytest.fixture
def score_by_hand(
    root: Path, blocks: Callable[[str, str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, Any], dict[str, Any]], float]:
    """The function of the page."""
    monkeypatch.chdir(root)
    (example,) = [block for block in blocks(PAGE, "python") if "def score(" in block]
    names: dict[str, Any] = {}
    exec(example, names)
    return names["score"]  # type: ignore[no-any-return]


def draw(scorer: Scorer, random: np.random.Generator) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for feature in scorer.features:
        if random.random() < 0.2:
            continue
        options: list[Any]
        if isinstance(feature, NumericFeature):
            options = [random.uniform(-1, 120), float(random.integers(0, 73)), None]
        elif isinstance(feature, BooleanFeature):
            options = [True, False, "true", None]
        else:
            options = [*feature.categories, "never seen", None]
        record[feature.name] = options[random.integers(len(options))]
    return record


@pytest.mark.parametrize("name", ["boosting", "logistic", "forest"])
def test_scoring_by_hand_gives_the_scores_of_the_scorer(
    name: str, root: Path, score_by_hand: Callable[[dict[str, Any], dict[str, Any]], float]
) -> None:
    folder = root / "tests" / "contract" / "bundle_v1" / name
    plain = msgspec.json.decode((folder / "scorer.json").read_bytes())
    scorer = Scorer(msgspec.json.decode((folder / "scorer.json").read_bytes(), type=ScorerDefinition))
    parity = msgspec.json.decode((folder / "parity.json").read_bytes(), type=tuple[ParityRecord, ...])
    for recorded in parity:
        assert math.isclose(score_by_hand(plain, recorded.record), recorded.score, abs_tol=1e-9)
    random = np.random.default_rng(3)
    for record in (draw(scorer, random) for _ in range(500)):
        assert math.isclose(score_by_hand(plain, record), scorer.score(record), abs_tol=1e-9), record


def test_the_page_names_every_file(table_keys: Keys) -> None:
    names = {value for name, value in vars(bundle).items() if name.endswith("_NAME")}
    assert names | {"plots/*.png"} == set(table_keys(PAGE, "Files"))


def test_the_page_names_every_field_of_the_manifest(table_keys: Keys) -> None:
    keys = table_keys(PAGE, "`manifest.json`")
    # The second table's heading speaks of `content` again.
    assert sorted({*keys}) == sorted({*fields_of(Manifest), *fields_of(Content)})


def test_the_page_names_every_kind_of_rule_and_model(table_keys: Keys) -> None:
    assert [key for key in table_keys(PAGE, "`encoder`") if key != "rule"] == [
        "value",
        "interval",
        "member",
        "missing",
    ]
    assert [key for key in table_keys(PAGE, "`model`") if key != "kind"] == ["linear", "trees", "radialBasis"]


@pytest.mark.parametrize("model", [Linear, Trees, RadialBasis])
def test_the_page_explains_every_field_of_a_model(model: type[Struct], root: Path) -> None:
    text = (root / PAGE).read_text()
    section = text.partition("### `model`")[2].partition("### By hand")[0]
    explained = {word for code in re.findall(r"`([^`]+)`", section) for word in re.findall(r"\w+", code)}
    assert fields_of(model) - explained == set()
