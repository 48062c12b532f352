"""The whole way with the real training program: simulate, train, train again, read the bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"


@pytest.mark.slow
def test_train_from_the_sample_then_again_from_a_file_against_the_first(
    churnguard: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = churnguard("train", SAMPLES / "telco.yaml", "--output", "models")
    assert first.code == 0, first.err
    assert first.out.startswith("telco-r1: ")
    assert "gate passed: rocAuc >= 0.80" in first.out

    assert churnguard("seed", "--rows", "1500", "--seed", "5", "--output", "customers.csv").code == 0
    second = churnguard("train", SAMPLES / "telco.yaml", "--data", "customers.csv", "--output", "models")
    assert second.code in (0, 3), second.err
    assert "telco-r2" in second.out
    assert "telco-r1" in second.out.splitlines()[2]

    bundles = sorted((tmp_path / "models" / "default" / "telco").glob("telco-r*"))
    assert [bundle.name.rpartition("-")[0] for bundle in bundles] == ["telco-r1", "telco-r2"]
    for bundle in bundles:
        assert churnguard("bundle", "verify", bundle).code == 0
        shown = churnguard("bundle", "show", bundle)
        assert shown.code == 0
        assert "## What drives churn?" in shown.out
        assert "customers.csv" not in shown.out


@pytest.mark.slow
def test_a_refusal_of_the_real_program_says_what_to_do_and_leaves_no_store(
    churnguard: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    churnguard("seed", "--rows", "300", "--output", "few.csv")
    outcome = churnguard("train", SAMPLES / "telco.yaml", "--data", "few.csv")
    assert (outcome.code, outcome.out) == (2, "")
    assert "error: training was refused (TooFewRows)" in outcome.err
    assert "hint: " in outcome.err
    assert not Path("store").exists()
