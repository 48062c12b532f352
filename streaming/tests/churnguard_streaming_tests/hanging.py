"""The program, with a reader that hangs for as long as a file is there, and with little patience for it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from churnguard_streaming.landing import __main__, liveness
from churnguard_streaming.landing.batches import Record
from churnguard_streaming.landing.reader import Reader

VARIABLE = "HANG_WHILE_THERE_IS"
_read = Reader.read


def read_or_hang(reader: Reader) -> Sequence[Record]:
    while Path(os.environ[VARIABLE]).exists():
        time.sleep(0.02)  # between two looks
    return _read(reader)


if __name__ == "__main__":
    Reader.read = read_or_hang  # type: ignore[method-assign, assignment]
    liveness.LONGEST_STEP_SECONDS = 2.0  # type: ignore[misc]
    sys.exit(__main__.main())
