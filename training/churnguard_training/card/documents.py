"""From a judged model to the documents of its bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from churnguard_core.bundle import CARD_DATA_NAME, CARD_NAME
from churnguard_core.churnmodel.types import ChurnModel
from churnguard_core.evaluation import Evaluation
from churnguard_core.gates import GateOutcome
from churnguard_scoring.radial_basis import NoReasonsError
from churnguard_scoring.scorer import Scorer
from churnguard_training.card.data import card_data
from churnguard_training.card.drivers import Floats, find_drivers, risk_with
from churnguard_training.card.sections import card_text
from churnguard_training.card.subject import Subject
from churnguard_training.folds import subsample
from churnguard_training.table import Table

MOST_SAMPLE_ROWS: Final = 5_000
MOST_DOTS: Final = 1_000


def card_documents(
    *,
    model: ChurnModel,
    revision: str,
    algorithm: str,
    evaluation: Evaluation,
    champion: Mapping[str, float],
    gates: Sequence[GateOutcome],
    scorer: Scorer,
    sample: Table,
) -> dict[str, bytes]:
    """The model card: ``card.json``, ``card.md`` and its plots by path in the bundle.

    The same arguments give the same bytes. No document holds a customer's id or row; the plot of reasons shows at most
    1,000 customers as dots.

    Args:
        model: What was asked for.
        revision: Name of the revision.
        algorithm: The one that was chosen.
        evaluation: Figures on the hold-out.
        champion: Figures of the serving revision on the same rows; empty when there is none.
        gates: Verdicts.
        scorer: The model; one without reasons gets no drivers and no plot of reasons, and the card says why.
        sample: Rows that the model learnt from; at most 5,000 of them are explained.
    """
    # Late: matplotlib and shap take seconds to import, and only here are they needed.
    from churnguard_training.card.plots import draw_calibration, draw_deciles, draw_reasons

    sample = sample.rows(
        subsample(groups=sample.groups, most=MOST_SAMPLE_ROWS, seed=model.spec.training.seed)
    )
    reasons = _reasons(scorer, sample)
    subject = Subject(
        model=model,
        revision=revision,
        algorithm=algorithm,
        evaluation=evaluation,
        champion=champion,
        gates=gates,
        calibration=scorer.definition.calibration,
        columns=len(scorer.features),
        drivers=()
        if reasons is None
        else find_drivers(evaluation.importance, columns=sample.features, scorer=scorer, reasons=reasons),
        starting_risk=None if reasons is None else risk_with(scorer, 0.0),
    )
    plots = {"plots/calibration.png": draw_calibration(subject), "plots/deciles.png": draw_deciles(subject)}
    if reasons is not None and subject.drivers:
        plots["plots/reasons.png"] = draw_reasons(
            subject, columns=sample.features, scorer=scorer, reasons=reasons, most_dots=MOST_DOTS
        )
    return {
        CARD_DATA_NAME: card_data(subject, plots=tuple(plots)),
        CARD_NAME: card_text(subject),
        **plots,
    }


def _reasons(scorer: Scorer, sample: Table) -> Floats | None:
    try:
        return scorer.explain_many(sample.features)[1]
    except NoReasonsError:
        return None
