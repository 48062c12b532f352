"""Rules that join several fields: one definition each, for the API server (CEL) and for every other program.

The API server runs ``cel``; the parser runs ``holds``. Tests keep the two alike on examples of both verdicts.
CEL stays cheap because every list, map and text that it reads is bounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from msgspec import Struct

from churnguard_core.churnmodel.types import (
    ChurnModel,
    Columns,
    Condition,
    FileSource,
    Gate,
    Levels,
    Replicas,
    Serving,
    Source,
    Store,
)

FILE_SUFFIXES: Final = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule on one struct.

    ``reads`` names the Python attributes that it needs; ``holds`` takes their parsed values, in that order,
    and says whether they obey. So a rule is judged whenever its own fields parse, whatever else is wrong.
    """

    part: type[Struct]
    reads: tuple[str, ...]
    holds: Callable[..., bool]
    cel: str
    message: str


def _ordered(low: str | None, high: str | None) -> bool:
    return low is None or high is None or float(low) <= float(high)


def _differ(*names: str | None) -> bool:
    given = [name for name in names if name is not None]
    return len(set(given)) == len(given)


def _climbs(uri: str) -> bool:
    return ".." in uri.split("/")


def _used(column: str | None, exclude: tuple[str, ...], protected: tuple[str, ...]) -> bool:
    return column is None or not (column in exclude or column in protected)


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        part=Source,
        reads=("simulator", "file", "postgres"),
        holds=lambda *sources: sum(source is not None for source in sources) == 1,
        cel="[has(self.simulator), has(self.file), has(self.postgres)].exists_one(given, given)",
        message="give exactly one of `simulator`, `file` and `postgres`",
    ),
    Rule(
        part=FileSource,
        reads=("uri",),
        holds=lambda uri: uri.endswith(FILE_SUFFIXES),
        cel=" || ".join(f"self.uri.endsWith('{suffix}')" for suffix in FILE_SUFFIXES),
        message="the file's name must end in .csv, .csv.gz or .parquet",
    ),
    Rule(
        part=FileSource,
        reads=("uri",),
        holds=lambda uri: not _climbs(uri),
        cel="!('..' in self.uri.split('/'))",
        message="`uri` must not hold `..`",
    ),
    Rule(
        part=Store,
        reads=("uri",),
        holds=lambda uri: not _climbs(uri),
        cel="!('..' in self.uri.split('/'))",
        message="`uri` must not hold `..`",
    ),
    Rule(
        part=Columns,
        reads=("label", "exclude", "protected"),
        holds=lambda label, exclude, protected: _used(label.name, exclude, protected),
        cel="!(self.label.name in self.exclude) && !(self.label.name in self.protected)",
        message="the label column must not be in `exclude` or `protected`",
    ),
    Rule(
        part=Columns,
        reads=("id", "exclude", "protected"),
        holds=_used,
        cel="!has(self.id) || (!(self.id in self.exclude) && !(self.id in self.protected))",
        message="the `id` column must not be in `exclude` or `protected`: it is never a feature",
    ),
    Rule(
        part=Columns,
        reads=("time", "exclude", "protected"),
        holds=_used,
        cel="!has(self.time) || (!(self.time in self.exclude) && !(self.time in self.protected))",
        message="the `time` column must not be in `exclude` or `protected`: it is never a feature",
    ),
    Rule(
        part=Columns,
        reads=("label", "id", "time"),
        holds=lambda label, id_, time: _differ(label.name, id_, time),
        cel="(!has(self.id) || self.id != self.label.name) && (!has(self.time) || "
        "(self.time != self.label.name && (!has(self.id) || self.time != self.id)))",
        message="`label`, `id` and `time` must be different columns",
    ),
    Rule(
        part=Columns,
        reads=("label", "id", "value"),
        holds=lambda label, id_, value: value is None or value not in (label.name, id_),
        cel="!has(self.value) || (self.value != self.label.name && (!has(self.id) || self.value != self.id))",
        message="the `value` column must not be the label or the id",
    ),
    Rule(
        part=Columns,
        reads=("label", "id", "types"),
        holds=lambda label, id_, types: label.name not in types and id_ not in types,
        cel="!(self.label.name in self.types) && (!has(self.id) || !(self.id in self.types))",
        message="`types` must not name the label or the id: they are not features",
    ),
    Rule(
        part=Gate,
        reads=("min", "max", "max_regression"),
        holds=lambda *limits: any(limit is not None for limit in limits),
        cel="has(self.min) || has(self.max) || has(self.maxRegression)",
        message="give at least one of `min`, `max` and `maxRegression`",
    ),
    Rule(
        part=Gate,
        reads=("min", "max"),
        holds=_ordered,
        cel="!has(self.min) || !has(self.max) || double(self.min) <= double(self.max)",
        message="`min` must not be above `max`",
    ),
    Rule(
        part=Replicas,
        reads=("min", "max"),
        holds=lambda low, high: bool(low <= high),
        cel="self.min <= self.max",
        message="`min` must not be above `max`",
    ),
    Rule(
        part=Levels,
        reads=("medium", "high"),
        holds=lambda medium, high: float(medium) < float(high),
        cel="double(self.medium) < double(self.high)",
        message="`medium` must be below `high`",
    ),
    Rule(
        part=Condition,
        reads=("equals", "at_least", "at_most"),
        holds=lambda equals, low, high: (equals is not None) != (low is not None or high is not None),
        cel="has(self.equals) != (has(self.atLeast) || has(self.atMost))",
        message="give either `equals`, or `atLeast` and/or `atMost`",
    ),
    Rule(
        part=Condition,
        reads=("at_least", "at_most"),
        holds=_ordered,
        cel="!has(self.atLeast) || !has(self.atMost) || double(self.atLeast) <= double(self.atMost)",
        message="`atLeast` must not be above `atMost`",
    ),
    Rule(
        part=Serving,
        reads=("replicas", "autoscaling"),
        holds=lambda replicas, scaling: replicas.min > 0 or scaling.metric == "requestsPerSecond",
        cel="self.replicas.min > 0 || self.autoscaling.metric == 'requestsPerSecond'",
        message="`replicas.min` 0 needs `autoscaling.metric: requestsPerSecond`: idle pods use no cpu",
    ),
    Rule(
        part=ChurnModel,
        reads=("metadata", "spec"),
        holds=lambda metadata, spec: (
            spec.serving.revision is None or spec.serving.revision.rpartition("-r")[0] == metadata.name
        ),
        cel="!has(self.spec.serving.revision) || "
        "self.spec.serving.revision.substring(0, self.spec.serving.revision.lastIndexOf('-r')) == "
        "self.metadata.name",
        message="`spec.serving.revision` must be a revision of this model: its name, then -r and a number",
    ),
)


@cache
def rules_of(part: type[Struct]) -> tuple[Rule, ...]:
    """The rules on one struct, in order of definition."""
    return tuple(rule for rule in RULES if rule.part is part)
