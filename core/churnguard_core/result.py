"""What a training run leaves: one JSON object under 4 KiB, the size of a pod's termination message."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from churnguard_core.gates import GateOutcome

MAX_RESULT_BYTES: Final = 4096

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
    """The result as JSON of at most ``MAX_RESULT_BYTES``; texts are shortened when it would be longer."""
    encoded = msgspec.json.encode(result)
    message, warnings = result.message, result.warnings
    while len(encoded) > MAX_RESULT_BYTES and (warnings or len(message) > 80):
        if warnings:
            warnings = warnings[:-1]
        else:
            message = message[: len(message) * 3 // 4] + " …"
        encoded = msgspec.json.encode(msgspec.structs.replace(result, message=message, warnings=warnings))
    return encoded


def decode_result(data: bytes | str) -> TrainingResult:
    """Parse a result; msgspec.ValidationError or DecodeError when it is none."""
    return msgspec.json.decode(data, type=TrainingResult)
