"""Linear models: scores and exact reasons, compiled to one small sum per feature.

A reason is ``w (x - mean)`` summed over a feature's outputs: the Shapley value of a linear model with the training
means as background (Štrumbelj and Kononenko 2014; Lundberg and Lee 2017, "Linear SHAP").
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import copysign, log1p
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from churnguard_core.features import Feature, NumericFeature
from churnguard_scoring.binning import CategoryBins, CategoryTable, NumericBins
from churnguard_scoring.columns import Column, Columns, NumericColumn, row_count
from churnguard_scoring.encoder import Encoder, Interval, Output, Value, encode_outputs
from churnguard_scoring.models import Linear, Space
from churnguard_scoring.records import LARGEST, InvalidRecords, Record, category_lookup, check_records


@dataclass(frozen=True, slots=True)
class _Slope:
    """``weight * transform(x)`` of a :class:`Value` output, its offset and scale folded into the weight."""

    log: bool
    weight: float


@dataclass(frozen=True, slots=True)
class _NumericStep:
    name: str
    cuts: list[float]
    table: list[float]
    missing: float
    slopes: tuple[_Slope, ...]

    def contribution(self, value: Any) -> float:
        kind = value.__class__
        if (kind is not float and kind is not int) or not -LARGEST <= value <= LARGEST:
            raise TypeError
        total = self.table[bisect_right(self.cuts, value)]
        for slope in self.slopes:
            total += slope.weight * (copysign(log1p(abs(value)), value) if slope.log else value)
        return total

    def contributions(self, column: Column) -> NDArray[np.float64]:
        """The same for every row, missing ones included."""
        if not isinstance(column, NumericColumn):
            raise TypeError(f"feature {self.name!r} is numeric, its column is not")
        values = column.values
        total = np.take(self.table, np.searchsorted(self.cuts, values, side="right"))
        for slope in self.slopes:
            turned = np.copysign(np.log1p(np.abs(values)), values) if slope.log else values
            total += slope.weight * turned
        total[np.isnan(values)] = self.missing
        return np.asarray(total)


@dataclass(frozen=True, slots=True)
class _CategoryStep:
    name: str
    table: dict[Any, float]
    missing: float
    unseen: float
    on_unseen: Callable[[str], None]

    def contribution(self, value: Any) -> float:
        known = self.table.get(value)
        if known is not None:
            return known
        if value.__class__ is not str:
            raise TypeError
        self.on_unseen(self.name)
        return self.unseen


_Step = _NumericStep | _CategoryStep


class CompiledLinear:
    """Log-odds and Shapley values of a linear model, before calibration.

    Args:
        linear: Weights, intercept and background means, by encoder output.
        encoder: Its encoder; every number must be filled when missing.
        features: All features that a record may have.
        on_unseen: Called with a feature's name for each unseen category met by the per-record path.
    """

    space: Final[Space] = "logOdds"

    def __init__(
        self,
        *,
        linear: Linear,
        encoder: Encoder,
        features: Sequence[Feature],
        on_unseen: Callable[[str], None],
    ) -> None:
        self._linear = linear
        self._encoder = encoder
        self._features = tuple(features)
        self._weights = np.array(linear.weights)
        self._means = np.array(linear.means)
        self.baseline = linear.intercept + float(self._weights @ self._means)
        # Steps hold w (x - mean), so that they are the reasons and, with the baseline, the score.
        self._steps = tuple(self._step(feature, on_unseen) for feature in features)
        self._numbers = [(at, step) for at, step in enumerate(self._steps) if isinstance(step, _NumericStep)]
        self._categorical = [at for at, step in enumerate(self._steps) if isinstance(step, _CategoryStep)]
        bins = tuple(CategoryBins(f) for f in features if not isinstance(f, NumericFeature))
        tables = [self._category_contributions(each) for each in bins]
        self._category_values = np.concatenate([*tables, np.zeros(0)])
        first = np.cumsum([0, *map(len, tables)]).tolist()
        self._categories = CategoryTable(self._features, bins, tuple(first[:-1]))
        used = {encoder.outputs[at].feature for at, weight in enumerate(linear.weights) if weight}
        self._used = tuple(at for at, feature in enumerate(self._features) if feature.name in used)

    def prepare_reasons(self) -> None:
        """Nothing to prepare: reasons cost no more than scores."""

    def raw(self, record: Record) -> float:
        """Log-odds of one record; InvalidRecords when a field's type is wrong."""
        return self.baseline + sum(self._contributions(record))

    def reasons(self, record: Record) -> list[tuple[str, float]]:
        """Shapley value of every feature with a weight; with ``baseline`` they add up to the raw score."""
        values = self._contributions(record)
        return [(self._features[at].name, values[at]) for at in self._used]

    def raw_many(self, columns: Columns) -> NDArray[np.float64]:
        """Log-odds of all rows."""
        return np.asarray(self.reasons_many(columns).sum(axis=1) + self.baseline)

    def reasons_many(self, columns: Columns) -> NDArray[np.float64]:
        """Shapley values of all rows: shape (rows, features)."""
        values = np.empty((len(self._features), row_count(columns)))
        values[self._categorical] = self._category_values.take(self._categories.places(columns))
        for place, step in self._numbers:
            values[place] = step.contributions(columns[step.name])
        return values.T

    def _contributions(self, record: Record) -> list[float]:
        get = record.get
        try:
            return [
                step.missing if (value := get(step.name)) is None else step.contribution(value)
                for step in self._steps
            ]
        except TypeError:
            raise InvalidRecords(check_records(self._features, [record])) from None

    def _step(self, feature: Feature, on_unseen: Callable[[str], None]) -> _Step:
        if isinstance(feature, NumericFeature):
            return self._numeric_step(feature)
        bins = CategoryBins(feature)
        table = self._category_contributions(bins).tolist()
        lookup = {value: table[code] for value, code in category_lookup(feature).items()}
        return _CategoryStep(feature.name, lookup, table[bins.missing], table[bins.unseen], on_unseen)

    def _category_contributions(self, bins: CategoryBins) -> NDArray[np.float64]:
        positions = self._encoder.outputs_of(bins.name)
        return self._weigh(positions, [self._encoder.outputs[at] for at in positions], bins)

    def _numeric_step(self, feature: NumericFeature) -> _NumericStep:
        positions = self._encoder.outputs_of(feature.name)
        outputs = [self._encoder.outputs[at] for at in positions]
        bins = NumericBins(feature.name, np.array(_cuts(outputs)))
        missing = float(self._weigh(positions, outputs, bins)[bins.missing])
        flat, slopes, constant = [], [], 0.0
        for position, output in zip(positions, outputs, strict=True):
            if isinstance(output, Value):
                weight = self._weights[position] / output.scale
                slopes.append(_Slope(output.transform == "log", float(weight)))
                constant -= weight * output.offset + self._weights[position] * self._means[position]
            else:
                flat.append((position, output))
        table = self._weigh([at for at, _ in flat], [output for _, output in flat], bins)[: bins.missing]
        slopes = [slope for slope in slopes if slope.weight]
        return _NumericStep(
            feature.name, bins.cuts.tolist(), (table + constant).tolist(), missing, tuple(slopes)
        )

    def _weigh(
        self, positions: Sequence[int], outputs: Sequence[Output], bins: NumericBins | CategoryBins
    ) -> NDArray[np.float64]:
        """Weighted, centred sum of these outputs for every bin."""
        if not outputs:
            return np.zeros(bins.missing + 1)
        at = list(positions)
        return np.asarray(
            (encode_outputs(outputs, bins.representatives()) - self._means[at]) @ self._weights[at]
        )


def _cuts(outputs: Sequence[Output]) -> list[float]:
    ends = {end for o in outputs if isinstance(o, Interval) for end in (o.lower, o.upper) if end is not None}
    return sorted(ends)
