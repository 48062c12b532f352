"""What librdkafka tells about itself every few seconds. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Struct


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A client at one moment.

    ``brokers_up`` counts brokers with a connection that works; ``round_trip_seconds`` is the slowest of their means
    since the statistics before, None when nothing was sent.
    """

    brokers_up: int
    queued_records: int
    queued_bytes: int
    round_trip_seconds: float | None


class _RoundTrips(Struct):
    avg: int = 0
    cnt: int = 0


class _Broker(Struct):
    state: str = ""
    rtt: _RoundTrips = msgspec.field(default_factory=_RoundTrips)


class _Client(Struct):
    msg_cnt: int = 0
    msg_size: int = 0
    brokers: dict[str, _Broker] = {}


_decoder = msgspec.json.Decoder(_Client)


def parse_statistics(text: str | bytes) -> Statistics:
    """The statistics in librdkafka's JSON; ValueError when it is none."""
    client = _decoder.decode(text)
    up = [broker for broker in client.brokers.values() if broker.state == "UP"]
    # In microseconds.
    round_trips = [broker.rtt.avg / 1e6 for broker in up if broker.rtt.cnt]
    return Statistics(
        brokers_up=len(up),
        queued_records=client.msg_cnt,
        queued_bytes=client.msg_size,
        round_trip_seconds=max(round_trips, default=None),
    )
