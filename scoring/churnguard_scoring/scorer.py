"""The scorer: what training, serving and batch jobs call to turn customers into scores and reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from churnguard_core.features import Feature
from churnguard_scoring.columns import Columns, RecordColumns
from churnguard_scoring.encoder import Encoder
from churnguard_scoring.linear import CompiledLinear
from churnguard_scoring.models import Calibration, Linear, Model, Trees
from churnguard_scoring.radial_basis import CompiledRadialBasis
from churnguard_scoring.reader import RecordReader
from churnguard_scoring.records import Record
from churnguard_scoring.trees import CompiledTrees


class ScorerDefinition(Struct, frozen=True, kw_only=True):
    """Everything that determines a score: plain data, as a bundle holds it."""

    features: tuple[Feature, ...]
    encoder: Encoder
    model: Model
    calibration: Calibration = Calibration()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score with its reasons, strongest first.

    In space ``logOdds`` the reasons and the baseline add up to the score's log-odds, in ``probability`` to the score.
    """

    score: float
    reasons: dict[str, float]
    baseline: float
    space: str


class CompiledModel(Protocol):
    """A model, ready to answer in its own space, before calibration."""

    baseline: float

    @property
    def space(self) -> str:
        """Where raw values and reasons live: ``logOdds`` or ``probability``."""
        ...

    def prepare_reasons(self) -> None:
        """Build what the first explanation would build."""
        ...

    def raw(self, record: Record) -> float:
        """Raw value of one record."""
        ...

    def reasons(self, record: Record) -> list[tuple[str, float]]:
        """Shapley values of one record by feature."""
        ...

    def raw_many(self, columns: Columns) -> NDArray[np.float64]:
        """Raw values of all rows."""
        ...

    def reasons_many(self, columns: Columns) -> NDArray[np.float64]:
        """Shapley values of all rows: shape (rows, features)."""
        ...


class Scorer:
    """Calibrated churn probabilities and their reasons, for one record or a table.

    Records may lack fields, hold null or unseen categories; they raise ``InvalidRecords`` on values of a wrong type.
    Answers depend on the definition only: the per-record and the table methods give the same numbers.

    Args:
        definition: From a bundle.
        on_unseen: Called with a feature's name for each unseen category met by a per-record method.
    """

    def __init__(
        self, definition: ScorerDefinition, *, on_unseen: Callable[[str], None] = lambda _: None
    ) -> None:
        self.definition = definition
        self._model = _compile(definition, on_unseen)
        self._slope = definition.calibration.slope
        self._intercept = definition.calibration.intercept
        self._baseline = self._slope * self._model.baseline + self._intercept
        self._space = self._model.space
        self._reader = RecordReader(definition.features)
        self._link, self._link_many = _LINKS[self._model.space]

    @property
    def features(self) -> Sequence[Feature]:
        """The features that a record may have."""
        return self.definition.features

    @property
    def space(self) -> str:
        """Where reasons add up: ``logOdds`` or ``probability``."""
        return self._space

    @property
    def baseline(self) -> float:
        """What the reasons are measured from: the calibrated expectation over the training rows, in ``space``."""
        return self._baseline

    def prepare_reasons(self) -> None:
        """Build reason tables now, so that the first explanation is as fast as the next."""
        self._model.prepare_reasons()

    def score(self, record: Record) -> float:
        """Churn probability of one record."""
        return self._link(self._slope * self._model.raw(record) + self._intercept)

    def explain(self, record: Record) -> Explanation:
        """Churn probability of one record with its reasons; NoReasonsError when the model has none."""
        slope = self._slope
        reasons = [(name, slope * value) for name, value in self._model.reasons(record) if value]
        reasons.sort(key=_by_size)
        found = dict(reasons)
        return Explanation(
            self._link(self._baseline + sum(found.values())), found, self._baseline, self._space
        )

    def columns(self, records: Sequence[Record]) -> RecordColumns:
        """Typed columns of these records, for the methods on tables; InvalidRecords names every wrong field."""
        return self._reader.columns(records)

    def score_many(self, columns: Columns) -> NDArray[np.float64]:
        """Churn probabilities of all rows."""
        return self._link_many(self._slope * self._model.raw_many(columns) + self._intercept)

    def explain_many(self, columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Churn probabilities of all rows, and reasons of shape (rows, features)."""
        reasons = self._model.reasons_many(columns)
        reasons *= self._slope
        return self._link_many(reasons.sum(axis=1) + self.baseline), reasons

    def raw_many(self, columns: Columns) -> NDArray[np.float64]:
        """Uncalibrated values of all rows in the model's space; what calibration is fitted on."""
        return self._model.raw_many(columns)


def _by_size(reason: tuple[str, float]) -> float:
    return -abs(reason[1])


def _compile(definition: ScorerDefinition, on_unseen: Callable[[str], None]) -> CompiledModel:
    encoder, features = definition.encoder, definition.features
    match definition.model:
        case Trees() as trees:
            return CompiledTrees(trees=trees, encoder=encoder, features=features, on_unseen=on_unseen)
        case Linear() as linear:
            return CompiledLinear(linear=linear, encoder=encoder, features=features, on_unseen=on_unseen)
        case model:
            return CompiledRadialBasis(model=model, encoder=encoder, features=features, on_unseen=on_unseen)


def sigmoid(value: float) -> float:
    """The probability of these log-odds, without overflow."""
    if value >= 0:
        return 1 / (1 + exp(-value))
    grown = exp(value) if value > -745 else 0.0
    return grown / (1 + grown)


def sigmoid_many(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities of these log-odds, without overflow."""
    grown = np.exp(-np.abs(values))
    return np.asarray(np.where(values >= 0, 1, grown) / (1 + grown))


def _identity(value: float) -> float:
    return value


def _identity_many(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values


_LINKS = {"logOdds": (sigmoid, sigmoid_many), "probability": (_identity, _identity_many)}
