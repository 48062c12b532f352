"""How a model was judged: the hold-out figures and what they stand on, as ``evaluation.json`` of a bundle."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

HoldoutMethod = Literal["time", "id", "features"]


class CandidateReport(Struct, frozen=True, kw_only=True, rename="camel"):
    """The best configuration of one algorithm, by cross-validation on the training part."""

    algorithm: str
    log_loss: float
    roc_auc: float
    trials: int
    parameters: dict[str, float | int | str]


class CalibrationBin(Struct, frozen=True, kw_only=True, rename="camel"):
    """Rows with similar scores: what was predicted and what happened."""

    mean_score: float
    observed: float
    rows: int


class DecileReport(Struct, frozen=True, kw_only=True, rename="camel"):
    """A tenth of the hold-out, the riskiest first: how many left, and how many times the average that is."""

    decile: int
    rows: int
    churned: int
    lift: float


class GroupReport(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One group of a protected column. ``flagged`` and ``recall`` are at the tuned threshold."""

    column: str
    group: str
    rows: int
    prevalence: float
    mean_score: float
    flagged: float
    recall: float | None = None
    roc_auc: float | None = None


class FeatureImportance(Struct, frozen=True, kw_only=True, rename="camel"):
    """Mean absolute reason of a feature over training rows, and its share of the sum."""

    feature: str
    mean_absolute_reason: float
    share: float


class ValueAtRisk(Struct, frozen=True, kw_only=True, rename="camel"):
    """Money: the sum of score times value over the hold-out, and what of it the riskiest tenth of customers holds."""

    total: float
    top_decile: float
    value: float


class Evaluation(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Figures of a model on a hold-out that nothing was tuned on.

    ``metrics`` by name (see ``churnmodel.types.Metric``), ``intervals`` 95 % bootstrap intervals, ``baseline`` the
    same figures for always answering the training prevalence. ``shuffled_roc_auc`` is the mean of five trainings on
    shuffled labels: far from 0.5 it would mean a leak. ``threshold`` maximises F1 on training folds.
    """

    holdout: HoldoutMethod
    rows: int
    positives: int
    training_rows: int
    training_positives: int
    threshold: float
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    baseline: dict[str, float]
    shuffled_roc_auc: float
    candidates: tuple[CandidateReport, ...]
    calibration: tuple[CalibrationBin, ...]
    deciles: tuple[DecileReport, ...]
    importance: tuple[FeatureImportance, ...] = ()
    groups: tuple[GroupReport, ...] = ()
    value_at_risk: ValueAtRisk | None = None
    warnings: tuple[str, ...] = field(default=())
