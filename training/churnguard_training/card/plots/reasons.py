"""Reasons of a sample of customers as a beeswarm, drawn by ``shap``."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, Column, NumericColumn
from churnguard_scoring.scorer import Scorer
from churnguard_training.card.drivers import Floats
from churnguard_training.card.plots.drawing import draw_png, title
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import listed, percent, short

MOST_FEATURES: Final = 10
MOST_SHOWN_CATEGORIES: Final = 3
SEED: Final = 0
UNITS: Final = {
    "logOdds": "effect on the log-odds of leaving",
    "probability": "effect on the probability of leaving",
}


def draw_reasons(
    subject: Subject, *, columns: dict[str, Column], scorer: Scorer, reasons: Floats, most_dots: int
) -> bytes:
    """A row per feature, a dot per customer: to the right it raises the risk.

    Numbers are coloured by their value and categories by their code, up to three of them listed under the name.

    Args:
        subject: For the strongest features, named in the title.
        columns: Values of the sample.
        scorer: Whose reasons they are.
        reasons: Of the sample, shape (rows, features of the scorer).
        most_dots: Customers shown; the first ones of the sample, which has no order of its own.
    """
    names = [feature.name for feature in scorer.features]
    order = np.argsort(-np.abs(reasons).mean(axis=0), kind="stable")[:MOST_FEATURES]
    shown = [names[at] for at in order]
    explanation = _explanation(
        reasons[:most_dots, order],
        values=np.column_stack([_colours(columns[name])[:most_dots] for name in shown]),
        labels=[_label(name, columns[name]) for name in shown],
    )

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _beeswarm(explanation, axes)
        axes.set_xlabel(UNITS[scorer.space], fontsize=11)
        axes.tick_params("y", length=0, labelsize=10)
        title(axes, _finding(subject), width=62)

    return draw_png(draw, width=9, height=1.8 + 0.5 * len(shown))


def _finding(subject: Subject) -> str:
    strongest = subject.drivers[:3]
    names = listed([short(driver.feature, most=24) for driver in strongest])
    verb = "makes" if len(strongest) == 1 else "make"
    return f"{names} {verb} up {percent(sum(driver.share for driver in strongest))} of all reasons"


def _explanation(reasons: Floats, *, values: Floats, labels: list[str]) -> Any:
    with warnings.catch_warnings():
        # shap makes its colour maps with methods that matplotlib is going to drop.
        warnings.filterwarnings(
            "ignore", message=r"The set_(bad|over|under) function", category=PendingDeprecationWarning
        )
        import shap.plots

    return shap.Explanation(values=reasons, data=values, feature_names=labels)


def _beeswarm(explanation: Any, axes: Any) -> None:
    import shap.plots

    # shap spreads the dots with numpy's global random numbers: fixed here, and given back as they were.
    state = np.random.get_state()
    np.random.seed(SEED)
    try:
        shap.plots.beeswarm(
            explanation,
            order=np.arange(explanation.shape[1]),
            max_display=explanation.shape[1],
            ax=axes,
            plot_size=None,
            show=False,
            s=10,
            color_bar_label="value of the feature (categories: in the order listed; grey: missing)",
        )
    finally:
        np.random.set_state(state)


def _colours(column: Column) -> Floats:
    """Values to colour by; missing is NaN, drawn grey."""
    if isinstance(column, NumericColumn):
        values = column.values
    else:
        values = np.where(column.codes == MISSING_CODE, np.nan, column.codes.astype(np.float64))
    # shap takes percentiles of what is known, and there must be something.
    return np.zeros(len(values)) if np.isnan(values).all() else values


def _label(name: str, column: Column) -> str:
    label = short(name, most=28)
    if not isinstance(column, CategoricalColumn):
        return label
    if len(column.categories) > MOST_SHOWN_CATEGORIES:
        return f"{label}\n({len(column.categories)} categories)"
    return f"{label}\n({' · '.join(short(category, most=16) for category in column.categories)})"
