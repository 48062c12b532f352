"""Deciles: how often each tenth of the customers left, and how many leavers are reached from the top down."""

from __future__ import annotations

from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from churnguard_training.card.plots.drawing import BLUE, GREY, ORANGE, draw_png, percent_axis, title
from churnguard_training.card.subject import Subject
from churnguard_training.card.wording import percent, times


def draw_deciles(subject: Subject) -> bytes:
    """Bars on the left, the curve of gains on the right."""

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        _bars(left, subject)
        _gains(right, subject)

    return draw_png(draw, width=10.5, height=4.4)


def _bars(axes: Axes, subject: Subject) -> None:
    deciles = subject.evaluation.deciles
    shares = [decile.churned / decile.rows for decile in deciles]
    axes.bar([decile.decile for decile in deciles], shares, color=BLUE)
    axes.axhline(subject.prevalence, color=ORANGE, linewidth=1.5)
    axes.annotate(
        f"average: {percent(subject.prevalence)}",
        (10.5, subject.prevalence),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color=ORANGE,
    )
    axes.set(xlabel="tenth of the customers, the riskiest first", ylabel="share that left", ylim=(0, None))
    axes.set_xticks([decile.decile for decile in deciles])
    percent_axis(axes.yaxis)
    lift = times(subject.evaluation.metrics["liftTopDecile"])
    title(axes, f"The riskiest tenth leaves {lift} as often as the average", width=40)


def _gains(axes: Axes, subject: Subject) -> None:
    deciles = subject.evaluation.deciles
    contacted = [0.0, *(decile.decile / len(deciles) for decile in deciles)]
    reached = [
        0.0,
        *(count / subject.evaluation.positives for count in accumulate(d.churned for d in deciles)),
    ]
    axes.plot(contacted, reached, "o-", color=BLUE, label="by score")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="at random")
    axes.set(
        xlabel="customers contacted, the riskiest first",
        ylabel="leavers reached",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    axes.legend(frameon=False, loc="lower right")
    title(
        axes,
        f"Contacting 30 % of the customers reaches {percent(subject.reached(3))} of the leavers",
        width=40,
    )
