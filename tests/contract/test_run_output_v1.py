from __future__ import annotations

from pathlib import Path

import pytest

from churnguard_core import gates
from churnguard_core.progress import decode_progress, encode_progress
from churnguard_core.result import BundleReference, TrainingResult, decode_result, encode_result


@pytest.mark.parametrize("name", ["result_v1.json", "refused_v1.json"])
def test_a_golden_result_is_read_and_written_unchanged(name: str, golden: Path) -> None:
    written = (golden / name).read_bytes().rstrip()
    assert encode_result(decode_result(written)) == written


def test_a_golden_result_means_what_it_meant(golden: Path) -> None:
    result = decode_result((golden / "result_v1.json").read_bytes())
    assert result.verdict == "Trained"
    assert result.bundle == BundleReference(
        uri="s3://bundles/default/telco/telco-r2-8345f8ed2b40",
        digest="sha256:8345f8ed2b40986e7deff4eae34a6e59b5e2cfb19be1c888a56dffbeeb5388cd",
    )
    assert (result.holdout, result.rows, result.holdout_rows) == ("id", 7043, 1380)
    assert result.metrics["rocAuc"] == 0.855938
    assert result.intervals["rocAuc"] == (0.8359, 0.8752)
    assert result.champion["logLoss"] == 0.4101
    assert gates.passed(result.gates)
    assert result.empty_score == 0.10168369474701654
    assert (result.format, result.seconds) == (1, 36.5)


def test_a_golden_refusal_means_what_it_meant(golden: Path) -> None:
    result = decode_result((golden / "refused_v1.json").read_bytes())
    assert (result.verdict, result.reason, result.bundle) == ("Refused", "LeakyColumns", None)
    assert result.message.splitlines()[-1].startswith("hint: ")


def test_what_a_result_leaves_out_has_its_default(golden: Path) -> None:
    assert decode_result(b'{"verdict":"Failed","model":"m","revision":"m-r1"}') == TrainingResult(
        verdict="Failed", model="m", revision="m-r1"
    )


def test_golden_progress_lines_are_read_and_written_unchanged(golden: Path) -> None:
    written = (golden / "progress_v1.jsonl").read_bytes().splitlines()
    lines = [decode_progress(line) for line in written]
    assert [line.stage for line in lines if line] == ["read", "search", "done"]
    assert [encode_progress(line) for line in lines if line] == written
