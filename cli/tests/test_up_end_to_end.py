"""The whole job with the real programs: train, serve, ask, change, serve again."""

from __future__ import annotations

import math
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

Run = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]

MODEL = """\
apiVersion: churnguard.dev/v1alpha1
kind: ChurnModel
metadata: {name: telco}
spec:
  data:
    source: {simulator: {rows: 2000, seed: 7}}
    columns: {id: customerID, label: {name: Churn}, protected: [gender, SeniorCitizen]}
  training: {algorithms: [LogisticRegression], search: {trials: 1}}
"""
INSIGHT = "{when: {feature: Contract, equals: Month-to-month}, text: Offer a 12-month contract}"
FIVE_FIELDS = (
    "tenure=1",
    "MonthlyCharges=29.99",
    "Contract=Month-to-month",
    "PaymentMethod=Electronic check",
    "PaperlessBilling=Yes",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Served:
    """A running ``churnguard up``: its process, what it printed and its address."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.lines: list[str] = []
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if ":explain" in line:
                break
        self.url = "http://" + self.lines[-1].split()[1].partition("/")[0] if self.lines else ""


@pytest.fixture
def serving(start: Start) -> Callable[..., Any]:
    """``with serving(text, ...) as served``; Ctrl-C at the end, which must be a success."""

    @contextmanager
    def run(text: str, *arguments: str) -> Iterator[Served]:
        Path("telco.yaml").write_text(text)
        with start("up", "telco.yaml", "--port", 0, *arguments) as process:
            try:
                served = Served(process)
                yield served
            finally:
                process.send_signal(signal.SIGINT)
                _, err = process.communicate()
        assert process.returncode == 0, err
        assert err.endswith("stopped\n")
        served.lines += err.splitlines()

    return run


@pytest.mark.slow
def test_from_customers_to_explained_predictions_and_back_without_training(
    churnguard: Run, serving: Callable[..., Any]
) -> None:
    with serving(MODEL) as served:
        assert any("gate passed: logLoss below the prevalence baseline" in line for line in served.lines)
        explained = churnguard("explain", *FIVE_FIELDS, "--url", served.url)
        assert (explained.code, explained.err) == (0, "")
        answer = msgspec.json.decode(explained.out)
        total = answer["baseline"] + math.fsum(answer["shap_values"].values())
        assert math.isclose(1 / (1 + math.exp(-total)), answer["risk_score"], abs_tol=1e-9)
        assert (answer["space"], answer["insights"]) == ("logOdds", [])
        same = subprocess.run(served.lines[-1], shell=True, capture_output=True, check=True)
        assert msgspec.json.decode(same.stdout)["predictions"] == [answer]

        churnguard("seed", "--rows", "1200", "--seed", "3", "--output", "customers.csv")
        predicted = churnguard("predict", "customers.csv", "--url", served.url)
        risks = [msgspec.json.decode(line)["risk_score"] for line in predicted.out.splitlines()]
        assert len(risks) == 1200
        assert 0.1 < sum(risks) / len(risks) < 0.5
        assert predicted.err == (
            "telco has no such fields, they were left out: Churn, SeniorCitizen, customerID, gender\n"
        )
        refused = churnguard("predict", "tenure=many", "Contract=Weekly", "--url", served.url)
        assert refused.code == 2
        assert refused.err == "error: customer 1, tenure: expected a number, got a string\n"

        taken = served.url.rpartition(":")[2]
        second = churnguard("up", "telco.yaml", "--port", taken)
        assert (second.code, second.out) == (2, "")
        assert f"error: port {taken} of 127.0.0.1 is taken" in second.err

    changed = f"{MODEL}  serving: {{levels: {{medium: '0', high: '0.000001'}}, insights: [{INSIGHT}]}}\n"
    with serving(changed) as served:
        assert served.lines[0] == "telco-r1: not trained again, customers and ChurnModel are the same"
        again = msgspec.json.decode(churnguard("explain", *FIVE_FIELDS, "--url", served.url).out)
        assert again == {**answer, "risk_level": "high", "insights": ["Offer a 12-month contract"]}
    assert churnguard("predict", "tenure=1", "--url", served.url).code == 1

    with serving(f"{MODEL}  gates: [{{metric: rocAuc, min: '0.99'}}]\n") as served:
        assert any("gate failed: rocAuc >= 0.99" in line for line in served.lines)
        still = msgspec.json.decode(churnguard("explain", *FIVE_FIELDS, "--url", served.url).out)
        assert still == answer
    warning = (
        "warning: telco-r2 is not served, because a gate failed; telco-r1 is: the newest whose gates held"
    )
    assert warning in served.lines


@pytest.mark.slow
def test_without_a_champion_a_failed_gate_serves_nothing(churnguard: Run) -> None:
    Path("telco.yaml").write_text(f"{MODEL}  gates: [{{metric: rocAuc, min: '0.99'}}]\n")
    outcome = churnguard("up", "telco.yaml", "--port", "0")
    assert outcome.code == 3
    assert "gate failed: rocAuc >= 0.99" in outcome.out
    assert "error: nothing is served: a gate failed" in outcome.err

    # The gate is lowered: the verdict may change, so it trains, and serves no bundle that somebody touched.
    Path("telco.yaml").write_text(MODEL)
    assert churnguard("train", "telco.yaml").code == 0
    (bundle,) = Path("store/default/telco").glob("telco-r2-*")
    scorer = bundle / "scorer.json"
    scorer.write_bytes(scorer.read_bytes().replace(b"1", b"2", 1))
    outcome = churnguard("up", "telco.yaml", "--port", "0")
    assert outcome.code == 1
    assert "telco-r2: not trained again" in outcome.out
    assert "the server did not start (exit code 2): scorer.json: its SHA-256 differs" in outcome.err


@pytest.mark.slow
def test_refused_customers_are_named_before_anything_is_served(churnguard: Run) -> None:
    Path("telco.yaml").write_text(MODEL)
    churnguard("seed", "--rows", "300", "--output", "few.csv")
    outcome = churnguard("up", "telco.yaml", "--data", "few.csv", "--port", "0")
    assert (outcome.code, outcome.out) == (2, "")
    assert "error: training was refused (TooFewRows)" in outcome.err
    assert "hint: " in outcome.err
