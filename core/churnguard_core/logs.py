"""Logs of every program that runs in a cluster: one JSON object per line on standard error, without customers' data."""

from __future__ import annotations

import json
import logging
import logging.config
from datetime import UTC, datetime

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "color_message", "asctime"}


class JsonFormatter(logging.Formatter):
    """``time``, ``level``, ``logger``, ``message``, the traceback if any, and what ``extra`` adds."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        # Escapes what is no text, such as a file name in another encoding, where msgspec would refuse the line.
        return json.dumps(line, default=str, separators=(",", ":"))


def configure_logging(*, level: str) -> None:
    """Send all loggers to standard error; libraries only their warnings."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"level": "WARNING", "handlers": ["stderr"]},
            "loggers": {"churnguard": {"level": level.upper()}},
        }
    )
