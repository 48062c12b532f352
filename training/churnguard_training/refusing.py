"""From what the storage cannot do to why a run is refused: only who asked knows what it was for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from churnguard_storage import StorageError
from churnguard_training.errors import Reason, Refused


@contextmanager
def refusing(reason: Reason) -> Iterator[None]:
    """Turn StorageError into Refused for this reason; also as a decorator. Of two around a call, the inner decides."""
    try:
        yield
    except StorageError as error:
        raise Refused(reason=reason, problems=list(error.problems), hint=error.hint) from None
