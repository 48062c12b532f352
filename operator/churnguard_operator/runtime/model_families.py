"""Metrics of models, each a function of what is known of one: Prometheus is told what the status says, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final

from churnguard_core.churnmodel.status import Headline, Status
from churnguard_operator.policy.history import newest_accepted
from churnguard_operator.runtime.declared import Declared, MetricType
from churnguard_operator.runtime.happenings import Happening

PREFIX: Final = "churnguard_model"
OWN_LABELS: Final = ("namespace", "model")

Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a model: its status, and what happened to it since this process leads."""

    status: Status
    happened: Mapping[Happening, int]


@dataclass(frozen=True, kw_only=True)
class Family:
    """A metric of models. ``labels`` are those beside namespace and model; each has few values, none of them free."""

    name: str
    meaning: str
    read: Callable[[Known], Iterable[Sample]]
    labels: tuple[str, ...] = ()
    type: MetricType = "gauge"

    @property
    def full_name(self) -> str:
        """The name that Prometheus stores."""
        return f"{PREFIX}_{self.name}"

    @property
    def declared(self) -> Declared:
        """As the reference has it."""
        labels = (*OWN_LABELS, *self.labels)
        return Declared(name=self.full_name, type=self.type, labels=labels, meaning=self.meaning)


def _info(known: Known) -> Iterator[Sample]:
    if (serving := known.status.serving) is not None:
        yield (serving.revision, serving.algorithm or "", serving.inference_service or ""), 1.0


def _conditions(known: Known) -> Iterator[Sample]:
    for condition in known.status.conditions:
        for status in ("True", "False"):
            yield (condition.type, status), float(condition.status == status)


def _last_training(known: Known) -> Iterator[Sample]:
    if (run := known.status.training) is not None:
        yield (run.revision, run.trigger or "", run.outcome or "Running"), 1.0


def _training_seconds(known: Known) -> Iterator[Sample]:
    run = known.status.training
    if run is not None and run.started is not None and run.finished is not None:
        yield (), (run.finished - run.started).total_seconds()


def _last_success(known: Known) -> Iterator[Sample]:
    record = newest_accepted(known.status.revisions)
    return _moment(record.finished if record is not None else None)


def _moment(time: datetime | None) -> Iterator[Sample]:
    if time is not None:
        yield (), time.timestamp()


def _time(path: str) -> Callable[[Known], Iterator[Sample]]:
    """The time at a path of the status."""
    *parts, last = path.split(".")

    def read(known: Known) -> Iterator[Sample]:
        found: object = known.status
        for part in parts:
            found = getattr(found, part, None)
        return _moment(getattr(found, last, None))

    return read


def _number(name: str) -> Callable[[Known], Iterable[Sample]]:
    """The number of a name in the status; absent counts as nought."""
    get = attrgetter(name)
    return lambda known: [((), float(get(known.status) or 0))]


def _figure(name: str) -> Callable[[Known], Iterator[Sample]]:
    """A hold-out figure of the serving revision."""
    get = attrgetter(name)

    def read(known: Known) -> Iterator[Sample]:
        status = known.status
        text = get(status.metrics or Headline())
        if status.serving is not None and text is not None and (value := _as_number(text)) is not None:
            yield (status.serving.revision,), value

    return read


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _counted(name: str) -> Callable[[Known], Iterator[Sample]]:
    """What happened of a name."""
    return lambda known: (
        (each.labels, float(count)) for each, count in known.happened.items() if each.metric == name
    )


def _quality(name: str, *, of: str, meaning: str, better: str = "higher") -> Family:
    text = f"{meaning} of the serving revision on its hold-out; {better} is better."
    return Family(name=name, labels=("revision",), meaning=text, read=_figure(of))


FAMILIES: Final = (
    Family(
        name="info",
        labels=("revision", "algorithm", "inference_service"),
        meaning="1, with what serves; absent while nothing does.",
        read=_info,
    ),
    Family(
        name="status_condition",
        labels=("type", "status"),
        meaning="1 when the condition of this type has this status, else 0; both 0 when it is Unknown.",
        read=_conditions,
    ),
    Family(
        name="serving_since_timestamp_seconds",
        meaning="Since when the serving revision serves; absent while nothing does.",
        read=_time("serving.since"),
    ),
    Family(
        name="rollout_since_timestamp_seconds",
        meaning="Since when a candidate comes up; absent while none does.",
        read=_time("candidate.since"),
    ),
    Family(
        name="promotions_total",
        labels=("result", "reason"),
        type="counter",
        meaning="Roll-outs by result (`promoted`, `failed`) and reason (`NewRevision`, `NewTemplate`, `Rollback`).",
        read=_counted("promotions_total"),
    ),
    Family(
        name="training_runs_total",
        labels=("trigger", "result"),
        type="counter",
        meaning="Trainings that got their verdict, whatever attempts it took; `result` is the verdict.",
        read=_counted("training_runs_total"),
    ),
    Family(
        name="last_training_info",
        labels=("revision", "trigger", "outcome"),
        meaning="1, with the training that runs or ran last; its outcome is `Running` before it has one.",
        read=_last_training,
    ),
    Family(
        name="last_training_start_timestamp_seconds",
        meaning="When the Job of that training was started.",
        read=_time("training.started"),
    ),
    Family(
        name="last_training_duration_seconds",
        meaning="How long its last attempt took; absent while it runs.",
        read=_training_seconds,
    ),
    Family(
        name="last_training_success_timestamp_seconds",
        meaning="When the training of the newest accepted revision ended.",
        read=_last_success,
    ),
    Family(
        name="training_failures",
        meaning="Attempts in a row that failed, since the last that did not.",
        read=_number("failures"),
    ),
    Family(
        name="training_retry_timestamp_seconds",
        meaning="No training is tried again before; absent unless one failed.",
        read=_time("retry_after"),
    ),
    Family(
        name="next_training_timestamp_seconds",
        meaning="When the schedule starts the next training; absent without a schedule, or while suspended.",
        read=_time("next_training_time"),
    ),
    Family(
        name="last_revision_number",
        meaning="Number of the newest revision; it only grows.",
        read=_number("last_revision"),
    ),
    _quality("roc_auc", of="roc_auc", meaning="Area under the ROC curve"),
    _quality("pr_auc", of="pr_auc", meaning="Area under the precision-recall curve"),
    _quality("log_loss", of="log_loss", meaning="Log loss", better="lower"),
    _quality("brier_score", of="brier", meaning="Brier score", better="lower"),
    _quality("calibration_error_ratio", of="ece", meaning="Expected calibration error", better="lower"),
    _quality("f1_score", of="f1", meaning="F1 at the threshold 0.5"),
    _quality("f1_tuned_score", of="f1_tuned", meaning="F1 at a threshold tuned on training folds"),
    _quality(
        "precision_top_decile_ratio",
        of="precision_top_decile",
        meaning="Share of leavers among the tenth with the highest risk",
    ),
    _quality(
        "lift_top_decile_ratio",
        of="lift_top_decile",
        meaning="That share, as a multiple of the share among all",
    ),
)
"""At most 30 series of a model, beside what its two counters have counted."""
