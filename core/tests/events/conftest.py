from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from churnguard_core.events.checks import CheckedMessage, KeptTime, check_message
from churnguard_core.events.messages import MessageType
from churnguard_core.events.reading import read_message

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def check() -> Callable[..., CheckedMessage]:
    """``check(document or bytes, route=)`` at noon of the first of March, when ten days are kept."""

    def checked(sent: Any, *, route: MessageType | None = "track") -> CheckedMessage:
        data = sent if isinstance(sent, bytes) else msgspec.json.encode(sent)
        kept = KeptTime(earliest=NOW - timedelta(days=10), latest=NOW + timedelta(days=1))
        return check_message(read_message(data), route=route, size=len(data), kept=kept, received_at=NOW)

    return checked
