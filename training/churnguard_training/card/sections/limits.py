"""What it is not for."""

from __future__ import annotations

from churnguard_training.card.markdown import bullets, section
from churnguard_training.card.subject import Subject


def describe_limits(subject: Subject) -> str:
    """Limits that hold for every churn model, and those of this one."""
    limits = [
        "**Risk is not the effect of an action.** The customers most likely to leave are not those whom an "
        "offer keeps: some leave anyway, some stay anyway, some are woken by the call. Keep a random "
        "control group that is not contacted; without one no effect can be computed.",
        "It knows customers like those it learnt from. New products, prices or markets make it worse, unnoticed unless "
        "drift is watched.",
        "It is made to decide whom to offer help, not to refuse anybody a service or a price.",
    ]
    if subject.evaluation.holdout != "time":
        limits.append(
            "It was not judged by time. Next month's customers may differ from these; name a time column "
            "(`spec.data.columns.time`) to be judged on the latest rows."
        )
    return section("What it is not for", bullets(limits))
