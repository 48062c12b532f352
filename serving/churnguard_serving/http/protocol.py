"""A short cut for small predictions: to the same doors, without a detour."""

from __future__ import annotations

from typing import Any

from churnguard_serving.http.doors import Door
from churnguard_serving.http.route import LARGE_BODY, HotRoute
from churnguard_web.asgi import CLOSE
from churnguard_web.short_cut import ShortCutProtocol


class PredictionProtocol(ShortCutProtocol[Door]):
    """HTTP around a :class:`HotRoute`."""

    unusual = ShortCutProtocol.unusual | {b"inference-header-content-length"}

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._route: HotRoute = self.app

    @property
    def most_bytes(self) -> int:
        """Of a body that takes the short cut: longer ones are answered by a thread."""
        return min(LARGE_BODY, self._route.most_bytes)

    def way(self) -> Door | None:
        """The door that a request for a prediction goes through."""
        return self._route.short_cuts.get(self.url)

    def take(self, way: Door, body: bytes, *, last: bool) -> None:
        """Answer at once."""
        status, answer, extra = self._route.reply(way, body)
        last = last or CLOSE in extra
        if last and CLOSE not in extra:
            extra = (*extra, CLOSE)
        self.write_json(status, answer, extra=extra)
        # No request waits behind this one, or it would not have taken the short cut.
        self.since = self.loop.time()
        if last:
            self.transport.close()
