"""The text of a card: golden for a sound model, and what changes when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from churnguard_core.card import Driver
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.evaluation import CalibrationBin, FeatureImportance
from churnguard_core.gates import GateOutcome
from churnguard_training.card.sections import card_text
from churnguard_training.card.subject import Subject

GOLDEN = Path(__file__).with_name("sound_model.md")


def text_of(subject: Subject, **changes: Any) -> str:
    return card_text(replace(subject, **changes)).decode()


def with_evaluation(subject: Subject, **changes: Any) -> Subject:
    return replace(subject, evaluation=msgspec.structs.replace(subject.evaluation, **changes))


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_card_of_a_sound_model_reads_as_agreed(subject: Subject) -> None:
    assert text_of(subject) == GOLDEN.read_text()


def test_warnings_come_before_any_praise(subject: Subject) -> None:
    text = card_text(with_evaluation(subject, warnings=("ROC AUC 0.991 is too good for churn",))).decode()
    assert text.index("too good for churn") < text.index("The model gives every customer")
    assert "Read this with the warnings in mind." in text


def test_no_warnings_leave_no_empty_list(subject: Subject) -> None:
    assert "Warnings" not in text_of(subject)


def test_a_failed_gate_is_named_in_the_first_line(subject: Subject) -> None:
    failed = GateOutcome(gate="rocAuc >= 0.90", passed=False, detail="is 0.8420")
    text = text_of(subject, gates=(*subject.gates, failed))
    assert text.splitlines()[2] == "**It must not serve**: `rocAuc >= 0.90` (is 0.8420)."
    assert "| `rocAuc >= 0.90` | **failed** | is 0.8420 |" in text


def test_a_model_worse_than_the_average_answer_is_not_to_be_used(subject: Subject) -> None:
    metrics = {**subject.evaluation.metrics, "logLoss": 0.6}
    text = card_text(with_evaluation(subject, metrics=metrics)).decode()
    assert "do not use it" in text
    assert "6.7 % more uncertainty than without a model" in text


@pytest.mark.parametrize(
    ("data", "warning"),
    [
        ({"source": {"simulator": {}}}, "simulated customers"),
        ({"allow": {"fewRows": True}}, "few rows"),
        ({"allow": {"leakyColumns": ["cancel_reason"]}}, "almost alone: cancel\\_reason"),
    ],
)
def test_what_the_spec_gave_away_is_a_warning(
    subject: Subject, churnmodel: Callable[..., ChurnModel], data: dict[str, Any], warning: str
) -> None:
    text = text_of(subject, model=churnmodel(data=data))
    warnings = text.partition("**Warnings: read these first**")[2].partition("The model gives")[0]
    assert warning in warnings


def test_scores_that_are_no_probabilities_are_said_to_be_ranks(subject: Subject) -> None:
    bins = tuple(
        CalibrationBin(mean_score=b.observed + 0.15, observed=b.observed, rows=b.rows)
        for b in subject.evaluation.calibration
    )
    text = card_text(with_evaluation(subject, calibration=bins)).decode()
    assert "**Scores are too high**: rank customers by them" in section(text, "Can it be trusted?")
    assert "right only when scores are probabilities" in section(text, "Money at risk")


@pytest.mark.parametrize(
    ("metric", "champion", "verdict"),
    [
        ("rocAuc", 0.80, "better"),
        ("rocAuc", 0.88, "worse"),
        ("rocAuc", 0.8425, "equal"),
        ("logLoss", 0.50, "better"),
        ("logLoss", 0.30, "worse"),
        ("liftTopDecile", 3.05, "equal"),
        ("liftTopDecile", 2.9, "better"),
    ],
)
def test_the_champion_is_compared_in_words(
    subject: Subject, metric: str, champion: float, verdict: str
) -> None:
    text = section(text_of(subject, champion={metric: champion}), "Against the serving revision")
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 1
    assert rows[0].endswith(f" {champion:.3f} | {verdict} |")


def test_without_a_champion_the_card_says_that_nothing_serves(subject: Subject) -> None:
    assert "Nothing serves yet" in section(text_of(subject, champion={}), "Against the serving revision")


def test_without_a_value_column_no_money_is_invented(
    subject: Subject, churnmodel: Callable[..., ChurnModel]
) -> None:
    without = with_evaluation(replace(subject, model=churnmodel(columns={"value": None})), value_at_risk=None)
    text = card_text(without).decode()
    assert "Money at risk" not in text
    assert "× value of the customer > cost" in text


def test_undeclared_protected_columns_are_admitted(
    subject: Subject, churnmodel: Callable[..., ChurnModel]
) -> None:
    text = text_of(subject, model=churnmodel(columns={"protected": []}))
    assert "No column is declared protected" in section(text, "Does it treat groups alike?")


def test_a_model_without_reasons_says_why(subject: Subject) -> None:
    text = text_of(subject, algorithm="SVM", drivers=(), starting_risk=None)
    assert "gives no exact reasons" in section(text, "What drives churn?")
    assert "plots/reasons.png" not in text
    assert "keeps rows of customers inside the bundle" in text


def test_names_from_the_data_cannot_break_out_of_their_cells(subject: Subject) -> None:
    name = "a|b`c`<script>\n## Gone\x1b[31m" + "x" * 200
    driver = Driver(feature=name, share=1.0, direction="rises", highest=None, lowest=None)
    hostile = with_evaluation(
        replace(subject, drivers=(driver,)),
        importance=(FeatureImportance(feature=name, mean_absolute_reason=1.0, share=1.0),),
        warnings=(f"column {name} is <b>odd</b> | [x](y)",),
    )
    text = card_text(hostile).decode()
    row = next(line for line in text.splitlines() if line.startswith("| `a"))
    assert row.count("|") == 6
    assert row.count("`") == 2
    assert "\n## Gone" not in text
    assert "\x1b" not in text
    assert "<b>" not in text.replace("\\<b>", "")


@pytest.mark.parametrize("algorithm", ["XGBoost", "LogisticRegression", "RandomForest", "SVM"])
def test_every_algorithm_has_a_name_for_people(subject: Subject, algorithm: str) -> None:
    assert replace(subject, algorithm=algorithm).algorithm_in_words != algorithm
