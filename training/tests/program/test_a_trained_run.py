"""What a run leaves that trained."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, get_args

import pytest

from churnguard_core.bundle import verify_bundle
from churnguard_core.progress import Stage
from churnguard_core.result import MAX_RESULT_BYTES
from churnguard_scoring.bundle import load_bundle

ALGORITHMS = {
    "boosted": "XGBoost",
    "linear": "LogisticRegression",
    "forest": "RandomForest",
    "by_time": "SVM",
}

pytestmark = pytest.mark.slow


@pytest.fixture(params=ALGORITHMS)
def run(request: pytest.FixtureRequest, trained: Any) -> Any:
    return trained[request.param].result()


@pytest.fixture
def algorithm(request: pytest.FixtureRequest) -> str:
    return ALGORITHMS[request.node.callspec.params["run"]]


def test_it_ends_with_0_and_says_nothing_on_standard_error(run: Any) -> None:
    assert (run.code, run.err) == (0, "")


def test_the_result_is_the_last_line_and_the_result_file_and_fits_a_termination_message(run: Any) -> None:
    assert run.result_file.read_bytes() == run.lines[-1]
    assert len(run.lines[-1]) <= MAX_RESULT_BYTES
    assert run.result.verdict == "Trained"


def test_the_result_says_what_was_made_of_whom(run: Any, algorithm: str) -> None:
    result, evaluation = run.result, run.evaluation
    assert (result.model, result.revision, result.algorithm) == ("telco", "telco-r1", algorithm)
    assert (result.rows, result.holdout_rows) == (evaluation.training_rows + evaluation.rows, evaluation.rows)
    assert result.metrics["rocAuc"] == pytest.approx(evaluation.metrics["rocAuc"], abs=1e-6)
    assert result.metrics["rocAuc"] > 0.75
    assert result.metrics["valueAtRisk"] > 0


def test_every_other_line_is_progress_of_documented_stages_in_their_order(run: Any) -> None:
    raw = [json.loads(line) for line in run.lines[:-1]]
    assert len(run.progress) == len(raw)
    stages = list(dict.fromkeys(line.stage for line in run.progress))
    assert stages == sorted(stages, key=get_args(Stage).index)
    assert {"read", "check", "search", "fit", "judge", "explain", "write", "done"} <= set(stages)
    assert all(line.message for line in run.progress)
    assert all(before.elapsed <= after.elapsed for before, after in pairwise(run.progress))


def test_percent_is_said_of_the_search_alone_and_left_out_elsewhere(run: Any) -> None:
    for line in map(json.loads, run.lines[:-1]):
        assert ("percent" in line) == (line["stage"] == "search")
        assert 0 <= line.get("percent", 0) <= 100


def test_the_one_bundle_stored_is_complete_and_has_the_digest_of_the_result(run: Any) -> None:
    manifest = verify_bundle(run.bundle, digest=run.result.bundle.digest)
    files = [path for path in run.store.rglob("*") if path.is_file()]
    assert {"card.md", "card.json"} <= manifest.documents.keys()
    assert len(files) == len(run.bundle)
    assert run.bundle["card.md"].startswith(b"# telco-r1")


def test_the_bundle_answers_the_empty_record_as_the_result_says(run: Any) -> None:
    assert load_bundle(run.bundle).scorer.score({}) == pytest.approx(run.result.empty_score, abs=1e-12)


def test_only_a_model_with_reasons_has_drivers_in_its_card(run: Any, algorithm: str) -> None:
    assert bool(run.card.drivers) == (algorithm != "SVM")
    assert (run.card.starting_risk is not None) == (algorithm != "SVM")


def test_no_customer_is_named_in_a_bundle(run: Any, customers: Any) -> None:
    everything = b"".join(run.bundle.values())
    identifiers = [line.partition(",")[0].encode() for line in customers.read_text().splitlines()[1:]]
    assert not [identifier for identifier in identifiers if identifier in everything]


def test_with_a_time_the_latest_fifth_judges_and_nothing_of_it_is_learnt(by_time: Any) -> None:
    reference = json.loads(by_time.bundle["reference.json"])
    schema = {feature["name"]: feature for feature in json.loads(by_time.bundle["scorer.json"])["features"]}
    assert by_time.result.holdout == "time"
    assert by_time.result.holdout_rows == 240
    assert reference["features"]["month"]["counts"] == {f"month {number}": 240 for number in (1, 2, 3, 4)}
    assert schema["month"]["categories"] == [f"month {number}" for number in (1, 2, 3, 4)]
    assert "day" not in schema


def test_the_champion_gets_on_the_same_rows_the_figures_it_got_itself(linear: Any, boosted: Any) -> None:
    own = {name: value for name, value in boosted.result.metrics.items() if name != "valueAtRisk"}
    assert linear.result.champion == pytest.approx(own, abs=1e-6)
    assert linear.card.champion == pytest.approx(own, abs=1e-6)
    assert boosted.result.champion == boosted.card.champion == {}
    gate, figure = linear.result.gates[0], own["logLoss"]
    assert gate.gate == "logLoss regression <= 0.05"
    assert f"serving {figure:.4f}" in gate.detail
