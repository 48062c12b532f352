"""What a training run leaves: one JSON object under 4 KiB, the size of a pod's termination message."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, Literal

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from churnguard_core.gates import GateOutcome

MAX_RESULT_BYTES: Final = 4096
MOST_WARNINGS: Final = 40
LEAST_MESSAGE: Final = 80

EXIT_TRAINED: Final = 0
EXIT_CRASHED: Final = 1
EXIT_REFUSED: Final = 2

Verdict = Literal["Trained", "Refused", "Failed"]


class BundleReference(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a bundle is, and the digest that proves it."""

    uri: str
    digest: str


class TrainingResult(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The outcome of one training run.

    ``metrics`` and ``champion`` are hold-out figures by metric name, both on the same rows; ``intervals`` are 95 %
    bootstrap intervals. ``empty_score`` is the score of the empty record: what a healthy server must answer.
    """

    verdict: Verdict
    model: str
    revision: str
    format: int = 1
    reason: str = ""
    message: str = ""
    bundle: BundleReference | None = None
    algorithm: str = ""
    holdout: str = ""
    rows: int = 0
    holdout_rows: int = 0
    prevalence: float = 0.0
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    champion: dict[str, float] = field(default_factory=dict)
    baseline: dict[str, float] = field(default_factory=dict)
    gates: tuple[GateOutcome, ...] = ()
    empty_score: float | None = None
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0


def encode_result(result: TrainingResult) -> bytes:
    """The result as JSON of at most ``MAX_RESULT_BYTES``.

    Where it would be longer, details give way before figures and figures before the verdict; gates that are left
    away are counted, so that ``gates.passed`` still tells the truth. Figures that are no numbers are left away.

    Raises:
        ValueError: Even the names alone are too long; the contract bounds them.
    """
    for shorter in _ever_shorter(_encodable(result)):
        encoded = msgspec.json.encode(shorter)
        if len(encoded) <= MAX_RESULT_BYTES:
            return encoded
    raise ValueError(f"the result of {result.revision[:80]!r} does not fit into {MAX_RESULT_BYTES} bytes")


def decode_result(data: bytes | str) -> TrainingResult:
    """Parse a result; one of ``UNDECODABLE`` when it is none."""
    return msgspec.json.decode(data, type=TrainingResult)


def _encodable(result: TrainingResult) -> TrainingResult:
    """The result with texts and figures that JSON can hold, and not more of them than could ever fit."""
    return replace(
        result,
        message=_unicode(result.message),
        warnings=tuple(_unicode(warning) for warning in result.warnings[:MOST_WARNINGS]),
        metrics=_finite(result.metrics),
        champion=_finite(result.champion),
        baseline=_finite(result.baseline),
        intervals={
            name: ends for name, ends in result.intervals.items() if all(math.isfinite(end) for end in ends)
        },
    )


def _unicode(text: str) -> str:
    # A message may quote a file name, and a file name need not be text; a longer one than the result never fits.
    return _cut(text, most=MAX_RESULT_BYTES).encode(errors="replace").decode()


def _finite(figures: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def _cut(text: str, *, most: int) -> str:
    """The text without its middle: a message ends with the hint what to do."""
    if len(text) <= most:
        return text
    tail = most // 4
    return f"{text[: most - tail - 3]} … {text[-tail:]}"


def _ever_shorter(result: TrainingResult) -> Iterator[TrainingResult]:
    yield result
    result = replace(
        result, gates=tuple(_without_detail(gate) if gate.passed else gate for gate in result.gates)
    )
    for kept in range(len(result.warnings), -1, -1):
        result = replace(result, warnings=result.warnings[:kept])
        yield result
    while len(result.message) > LEAST_MESSAGE:
        shorter = max(LEAST_MESSAGE, len(result.message) * 3 // 4)
        result = replace(result, message=_cut(result.message, most=shorter))
        yield result
    result = replace(result, intervals={})
    yield result
    result = replace(result, baseline={}, gates=tuple(map(_without_detail, result.gates)))
    yield result
    for most in (32, 16, 8, 0):
        yield replace(result, gates=_counted(result.gates, most=most))
    yield replace(result, gates=_counted(result.gates, most=0), champion={}, metrics={})


def _without_detail(gate: GateOutcome) -> GateOutcome:
    return replace(gate, detail="")


def _counted(gates: tuple[GateOutcome, ...], *, most: int) -> tuple[GateOutcome, ...]:
    """The first gates, failed ones first; the others as one outcome for those that failed and one for the rest."""
    ordered = sorted(gates, key=lambda gate: gate.passed)
    shown, rest = ordered[:most], ordered[most:]
    failed = sum(not gate.passed for gate in rest)
    counts = ((failed, False), (len(rest) - failed, True))
    more = [GateOutcome(gate=f"{count} more", passed=holds) for count, holds in counts if count]
    return (*shown, *more)
