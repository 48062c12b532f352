"""Progress lines: one JSON object per line on standard output of a training run, for people and machines."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from churnguard_core.undecodable import UNDECODABLE

Stage = Literal["read", "check", "search", "fit", "calibrate", "judge", "explain", "write", "done"]


class ProgressLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a run is. ``elapsed`` is seconds since the start; ``percent`` (of the stage) only where it is known."""

    stage: Stage
    elapsed: float
    message: str
    percent: float | None = None


def encode_progress(line: ProgressLine) -> bytes:
    """The line as JSON, without its newline; what is no Unicode text (a file name, say) shows as ``?``."""
    message = line.message.encode(errors="replace").decode()
    return msgspec.json.encode(msgspec.structs.replace(line, message=message))


def decode_progress(line: bytes | str) -> ProgressLine | None:
    """Parse a line of a run's output; None when it is something else."""
    try:
        return msgspec.json.decode(line, type=ProgressLine)
    except UNDECODABLE:
        return None
