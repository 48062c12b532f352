from __future__ import annotations

import math
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core import gates
from churnguard_core.churnmodel.types import Metric
from churnguard_core.gates import GateOutcome
from churnguard_core.result import (
    MAX_RESULT_BYTES,
    BundleReference,
    TrainingResult,
    decode_result,
    encode_result,
)
from churnguard_core.undecodable import UNDECODABLE

FIGURES = st.dictionaries(
    st.sampled_from([*get_args(Metric), "valueAtRisk"]), st.floats(allow_nan=False, allow_infinity=False)
)
GATES = st.lists(
    st.builds(GateOutcome, gate=st.text(max_size=60), passed=st.booleans(), detail=st.text(max_size=60)),
    max_size=60,
).map(tuple)


def results(*, texts: st.SearchStrategy[str], most_warnings: int) -> st.SearchStrategy[TrainingResult]:
    """Results as the program can write them."""
    return st.builds(
        TrainingResult,
        verdict=st.sampled_from(["Trained", "Refused", "Failed"]),
        model=st.just("m" * 40),
        revision=st.just("m" * 40 + "-r999999999"),
        reason=st.sampled_from(["", "LeakyColumns"]),
        message=texts,
        bundle=st.none()
        | st.builds(BundleReference, uri=st.text("é/", max_size=600), digest=st.just("sha256:" + "0" * 64)),
        algorithm=st.sampled_from(["", "LogisticRegression"]),
        holdout=st.sampled_from(["", "features"]),
        rows=st.integers(0, 10**9),
        holdout_rows=st.integers(0, 10**9),
        prevalence=st.floats(0, 1),
        metrics=FIGURES,
        intervals=st.dictionaries(
            st.sampled_from(get_args(Metric)), st.tuples(st.floats(0, 1), st.floats(0, 1))
        ),
        champion=FIGURES,
        baseline=FIGURES,
        gates=GATES,
        empty_score=st.none() | st.floats(0, 1),
        warnings=st.lists(texts, max_size=most_warnings).map(tuple),
        seconds=st.floats(0, 1e6),
    )


@given(results(texts=st.text(max_size=10), most_warnings=1))
def test_a_result_that_fits_comes_back_as_it_was(result: TrainingResult) -> None:
    encoded = encode_result(result)
    decoded = decode_result(encoded)
    assert decode_result(encoded.decode()) == decoded
    if len(result.gates) < 5:
        assert decoded == result


@given(
    results(
        texts=st.text(st.characters(), max_size=2_000).map(lambda text: text * 5) | st.just("\x00" * 50_000),
        most_warnings=60,
    )
)
def test_a_result_always_fits_into_a_termination_message(result: TrainingResult) -> None:
    encoded = encode_result(result)
    assert len(encoded) <= MAX_RESULT_BYTES
    decoded = decode_result(encoded)
    assert (decoded.verdict, decoded.reason, decoded.revision) == (
        result.verdict,
        result.reason,
        result.revision,
    )
    assert decoded.bundle == result.bundle
    assert decoded.empty_score == result.empty_score
    assert gates.passed(decoded.gates) == gates.passed(result.gates)


def trained(**fields: Any) -> TrainingResult:
    return TrainingResult(verdict="Trained", model="telco", revision="telco-r1", **fields)


def test_a_long_message_keeps_its_first_problem_and_its_hint() -> None:
    problems = "\n".join(f"customers.csv: row {row}: 7 cells, the header has 21" for row in range(2, 400))
    message = f"{problems}\nhint: check the delimiter"
    refused = TrainingResult(verdict="Refused", model="telco", revision="telco-r1", message=message)
    kept = decode_result(encode_result(refused)).message
    assert kept.startswith("customers.csv: row 2: 7 cells, the header has 21\n")
    assert kept.endswith("\nhint: check the delimiter")
    assert len(kept) > MAX_RESULT_BYTES // 2


def test_warnings_give_way_from_the_last_one_on() -> None:
    warnings = tuple(f"warning {number}: {'x' * 300}" for number in range(30))
    kept = decode_result(encode_result(trained(warnings=warnings))).warnings
    assert 5 < len(kept) < 30
    assert kept == warnings[: len(kept)]


def test_figures_outlive_texts() -> None:
    metrics = dict.fromkeys(get_args(Metric), 0.123456)
    decoded = decode_result(
        encode_result(
            trained(metrics=metrics, champion=metrics, message="m" * 9_000, warnings=("w" * 9_000,) * 3)
        )
    )
    assert decoded.metrics == metrics
    assert decoded.champion == metrics


def test_sixty_gates_are_counted_where_they_cannot_be_shown() -> None:
    held = [GateOutcome(gate="x" * 80, passed=True, detail="d" * 80)] * 58
    failed = GateOutcome(gate="rocAuc >= 0.99", passed=False, detail="is 0.8500")
    shown = decode_result(encode_result(trained(gates=(*held, failed, failed)))).gates
    assert [outcome.gate for outcome in shown[:2]] == ["rocAuc >= 0.99"] * 2
    counted = re.fullmatch(r"(\d+) more", shown[-1].gate)
    assert counted
    assert int(counted[1]) + len(shown) - 1 == 60
    assert shown[-1].passed


def test_details_of_gates_that_failed_outlive_those_of_gates_that_hold() -> None:
    held = tuple(
        GateOutcome(gate=f"rocAuc >= 0.{number}", passed=True, detail="d" * 100) for number in range(40)
    )
    failed = GateOutcome(gate="brier <= 0.1", passed=False, detail="is 0.1400")
    shown = decode_result(encode_result(trained(gates=(*held, failed)))).gates
    assert shown[-1] == failed
    assert {outcome.detail for outcome in shown[:-1]} == {""}


@pytest.mark.parametrize("no_number", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_no_number_is_left_away(no_number: float) -> None:
    figures = {"rocAuc": 0.8, "prAuc": no_number}
    result = trained(
        metrics=figures, champion=figures, baseline=figures, intervals={"prAuc": (0.1, no_number)}
    )
    decoded = decode_result(encode_result(result))
    assert decoded.metrics == decoded.champion == decoded.baseline == {"rocAuc": 0.8}
    assert decoded.intervals == {}


def test_a_message_that_is_no_unicode_is_written_all_the_same() -> None:
    assert decode_result(encode_result(trained(message="\udce9.csv: missing"))).message == "?.csv: missing"


def test_names_that_break_the_contract_are_an_error_rather_than_a_broken_result() -> None:
    with pytest.raises(ValueError, match="does not fit into 4096 bytes"):
        encode_result(trained(bundle=BundleReference(uri="x" * 5_000, digest="")))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"verdict":"\xff"}', "\ud800", b'{"x":' + b"[" * 100_000], ids=range(6)
)
def test_what_is_no_result_raises_one_of_the_known_errors(data: bytes | str) -> None:
    with pytest.raises(UNDECODABLE):
        decode_result(data)
