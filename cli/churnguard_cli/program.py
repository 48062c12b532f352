"""Running the training program as its Job would: same arguments, progress from its output, signals passed on."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from churnguard_cli.signals import forwarded_signals
from churnguard_core.progress import ProgressLine, decode_progress
from churnguard_core.result import MAX_RESULT_BYTES, TrainingResult, decode_result

MOST_LINE_BYTES: Final = 64 * 1024
SHOWN_ERROR_LINES: Final = 40


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How the program ended.

    ``result`` is None when it died before it could write one; ``errors`` are the last lines of its standard error;
    ``stopped_by`` is the signal that this process received and passed on.
    """

    code: int
    result: TrainingResult | None
    errors: str
    stopped_by: int | None


def run_training(arguments: Sequence[str], *, on_progress: Callable[[ProgressLine], None]) -> Ended:
    """Run ``churnguard-train`` with these arguments to its end.

    SIGINT and SIGTERM reach it as SIGTERM, on which it clears away what is unfinished; a second one kills it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="churnguard-") as folder,
        forwarded_signals(sent=signal.SIGTERM) as stopping,
    ):
        result_file, error_file = Path(folder, "result.json"), Path(folder, "errors.txt")
        # -P: nothing in the current folder may stand in for a library.
        command = [
            sys.executable,
            "-P",
            "-m",
            "churnguard_training",
            *arguments,
            "--result",
            str(result_file),
        ]
        with error_file.open("wb") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                process_group=0,  # see signals
            )
            stopping.attach(process)
            with process:
                assert process.stdout is not None  # noqa: S101 - for the type checker
                while line := process.stdout.readline(MOST_LINE_BYTES):
                    if (progress := decode_progress(line)) is not None:
                        on_progress(progress)
        return Ended(
            code=process.returncode,
            result=_read_result(result_file),
            errors=_last_lines(error_file),
            stopped_by=stopping.signum,
        )


def _read_result(path: Path) -> TrainingResult | None:
    try:
        with path.open("rb") as file:
            return decode_result(file.read(MAX_RESULT_BYTES + 1))
    except (OSError, msgspec.MsgspecError):
        return None


def _last_lines(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - MOST_LINE_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-SHOWN_ERROR_LINES:])
