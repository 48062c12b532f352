"""One definition, two paths: a record alone and the same record in a table get the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churnguard_core.features import BooleanFeature, CategoricalFeature, NumericFeature
from churnguard_scoring.columns import Columns
from churnguard_scoring.radial_basis import NoReasonsError
from churnguard_scoring.reader import columns_from_records
from churnguard_scoring.scorer import Scorer, ScorerDefinition

KINDS = ("trees", "forest", "linear", "radialBasis")

finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_record_scores_alone_as_it_does_in_a_table(
    kind: str, definitions: dict[str, ScorerDefinition], data: st.DataObject
) -> None:
    definition = definitions[kind]
    record = data.draw(_records(definition))
    scorer = Scorer(definition)
    table = columns_from_records(definition.features, [record])
    assert scorer.score(record) == pytest.approx(scorer.score_many(table)[0], abs=1e-12)


@pytest.mark.parametrize("kind", ["trees", "forest", "linear"])
def test_reasons_of_a_record_are_those_of_the_table(
    kind: str,
    definitions: dict[str, ScorerDefinition],
    draw_records: Callable[[int, int], list[dict[str, Any]]],
) -> None:
    scorer = Scorer(definitions[kind])
    records = draw_records(300, 11)
    scores, reasons = scorer.explain_many(columns_from_records(scorer.features, records))
    names = [feature.name for feature in scorer.features]
    for record, score, row in zip(records, scores, reasons, strict=True):
        explained = scorer.explain(record)
        assert explained.score == pytest.approx(score, abs=1e-12)
        assert [explained.reasons.get(name, 0.0) for name in names] == pytest.approx(row.tolist(), abs=1e-12)


@pytest.mark.parametrize("kind", ["trees", "forest", "linear"])
def test_reasons_and_baseline_add_up_to_the_score(
    kind: str,
    definitions: dict[str, ScorerDefinition],
    draw_records: Callable[[int, int], list[dict[str, Any]]],
) -> None:
    scorer = Scorer(definitions[kind])
    for record in draw_records(200, 12):
        explained = scorer.explain(record)
        total = explained.baseline + sum(explained.reasons.values())
        score = 1 / (1 + np.exp(-total)) if explained.space == "logOdds" else total
        assert score == pytest.approx(scorer.score(record), abs=1e-9)
        sizes = [abs(value) for value in explained.reasons.values()]
        assert sizes == sorted(sizes, reverse=True)


def test_a_large_table_is_the_same_as_its_rows(
    definitions: dict[str, ScorerDefinition],
    draw_records: Callable[[int, int], list[dict[str, Any]]],
    columns_of: Callable[[list[dict[str, Any]]], Columns],
) -> None:
    records = draw_records(1000, 13)
    for definition in definitions.values():
        scorer = Scorer(definition)
        whole = scorer.score_many(columns_of(records))
        part = scorer.score_many(columns_of(records[700:]))
        assert whole[700:] == pytest.approx(part, abs=1e-12)


def test_a_support_vector_machine_says_that_it_has_no_reasons(
    definitions: dict[str, ScorerDefinition],
) -> None:
    scorer = Scorer(definitions["radialBasis"])
    with pytest.raises(NoReasonsError, match="no exact reasons"):
        scorer.explain({})


def test_unseen_categories_are_reported_and_score_as_unseen(definitions: dict[str, ScorerDefinition]) -> None:
    for kind in ("trees", "linear", "radialBasis"):
        seen: list[str] = []
        scorer = Scorer(definitions[kind], on_unseen=seen.append)
        first = scorer.score({"plan": "gold"})
        assert first == scorer.score({"plan": "silver"})
        assert seen == ["plan", "plan"]


def _records(definition: ScorerDefinition) -> st.SearchStrategy[dict[str, Any]]:
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for feature in definition.features:
        match feature:
            case NumericFeature():
                values: st.SearchStrategy[Any] = finite
            case BooleanFeature():
                values = st.sampled_from([True, False, "true", "FALSE"])
            case CategoricalFeature(categories=categories):
                values = st.sampled_from(categories) | st.text(max_size=5)
        fields[feature.name] = st.none() | values
    return st.fixed_dictionaries({}, optional=fields)
