"""Calibration: predicted against observed share of leavers (a reliability diagram)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.figure import Figure

from churnguard_core.evaluation import CalibrationBin
from churnguard_training.card.plots.drawing import BLUE, GREY, draw_png, percent_axis, title
from churnguard_training.card.subject import Subject
from churnguard_training.card.trust import Finding, Z, standard_error
from churnguard_training.card.wording import points

TITLES: Final[dict[Finding, str]] = {
    "calibrated": "Scores can be read as probabilities",
    "too high": "Scores are too high to be read as probabilities",
    "too low": "Scores are too low to be read as probabilities",
    "uneven": "Scores cannot be read as probabilities",
}


def draw_calibration(subject: Subject) -> bytes:
    """Dots on the diagonal are right; the band is what chance explains in a perfect model."""
    bins = subject.evaluation.calibration
    trust = subject.trust

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        predicted, observed = [b.mean_score for b in bins], [b.observed for b in bins]
        limit = min(1.0, 1.08 * max(*predicted, *observed, *_band(bins)[1], 0.05))
        axes.plot([0, limit], [0, limit], color=GREY, linewidth=1, linestyle="--", label="perfect")
        low, high = _band(bins)
        axes.fill_between(
            predicted, low, high, color=GREY, alpha=0.18, linewidth=0, label="explained by chance (95 %)"
        )
        axes.plot(predicted, observed, "o-", color=BLUE, linewidth=1.2, markersize=7, label="this model")
        axes.set(
            xlim=(0, limit),
            ylim=(0, limit),
            xlabel="predicted probability of leaving",
            ylabel="share that left",
        )
        percent_axis(axes.xaxis)
        percent_axis(axes.yaxis)
        axes.legend(frameon=False, loc="upper left")
        title(axes, f"{TITLES[trust.finding]}: {points(trust.gap)} off on average", width=52)

    return draw_png(draw, width=6.4, height=5.2)


def _band(bins: Sequence[CalibrationBin]) -> tuple[list[float], list[float]]:
    reach = [Z * standard_error(b) for b in bins]
    low = [max(0.0, b.mean_score - width) for b, width in zip(bins, reach, strict=True)]
    high = [min(1.0, b.mean_score + width) for b, width in zip(bins, reach, strict=True)]
    return low, high
