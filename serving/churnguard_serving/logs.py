"""What is kept out of the logs."""

from __future__ import annotations

import logging


class WithoutCallersErrors(logging.Filter):
    """Drops what a library logs as an error, traceback and all, when a caller asked for something wrong.

    Args:
        errors: The exceptions that stand for a caller's mistake.
    """

    def __init__(self, *errors: type[Exception]) -> None:
        super().__init__()
        self._errors = errors

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is worth a line."""
        return not (record.exc_info and isinstance(record.exc_info[1], self._errors))
