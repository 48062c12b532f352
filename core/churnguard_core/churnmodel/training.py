"""``spec.training`` and ``spec.gates``: how a revision is made, and what it must reach."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from churnguard_core.churnmodel.scalars import Algorithm, Balancing, Metric, Number, Part, Resources


class Search(Part, frozen=True, kw_only=True):
    """How hard to look for good hyperparameters."""

    trials: Annotated[
        int,
        Meta(
            ge=1,
            le=200,
            description="Random configurations tried per algorithm, by cross-validated log loss.",
        ),
    ] = 20


class Schedule(Part, frozen=True, kw_only=True):
    """When to train again."""

    cron: Annotated[
        str,
        Meta(
            pattern=r"^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$",
            max_length=100,
            description="Five cron fields: minute, hour, day of month, month, day of week.",
            extra={
                "expected": "five cron fields (minute, hour, day of month, month, day of week) with one "
                'blank between them, such as "0 3 * * 1"'
            },
        ),
    ]
    time_zone: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$",
            max_length=64,
            description="IANA time zone, such as `Europe/Berlin`.",
            extra={"expected": 'an IANA time zone, such as "Europe/Berlin"'},
        ),
    ] = "UTC"


class Training(Part, frozen=True, kw_only=True):
    """How a revision is trained."""

    algorithms: Annotated[
        tuple[Algorithm, ...],
        Meta(
            min_length=1,
            max_length=4,
            description="Candidates; the best cross-validated log loss is chosen. An SVM keeps customers' "
            "rows as support vectors and gives no reasons.",
        ),
    ] = ("XGBoost", "LogisticRegression")
    balancing: Annotated[Balancing, Meta(description="Class balancing, inside the training folds only.")] = (
        "None"
    )
    search: Annotated[Search, Meta(description="How hard to look for good hyperparameters.")] = Search()
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1, description="Seed of everything random in training.")] = 7
    schedule: Annotated[
        Schedule | None,
        Meta(description="When to train again. Absent: only when the spec changes or on request."),
    ] = None
    deadline_seconds: Annotated[
        int, Meta(ge=60, le=604_800, description="A training that takes longer is stopped and has failed.")
    ] = 3600
    retries: Annotated[int, Meta(ge=0, le=10, description="How often a crashed training is tried again.")] = 2
    resources: Annotated[Resources, Meta(description="Resources of the training pod.")] = Resources()


class Gate(Part, frozen=True, kw_only=True):
    """One condition that a revision must meet on the hold-out to be served."""

    metric: Annotated[Metric, Meta(description="The hold-out figure that is judged.")]
    min: Annotated[Number | None, Meta(description="The figure must be at least this.")] = None
    max: Annotated[Number | None, Meta(description="The figure must be at most this.")] = None
    max_regression: Annotated[
        Number | None,
        Meta(description="The figure may be worse than the serving revision's by at most this (same rows)."),
    ] = None
