"""The topics of an installation: the contract's names behind a prefix, so that several can share a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from churnguard_core.events import topics

PREFIX_VARIABLE: Final = "KAFKA_TOPIC_PREFIX"


@dataclass(frozen=True, kw_only=True)
class EventTopics:
    """Names of topics."""

    events: str = topics.EVENTS
    bad_events: str = topics.BAD_EVENTS
    erasures: str = topics.ERASURES

    @classmethod
    def behind(cls, prefix: str) -> EventTopics:
        """The topics whose names begin with this; ``staging-`` makes ``staging-churnguard.events.v1``."""
        return cls(
            events=prefix + topics.EVENTS,
            bad_events=prefix + topics.BAD_EVENTS,
            erasures=prefix + topics.ERASURES,
        )


def topics_from(environ: Mapping[str, str]) -> EventTopics:
    """The topics that ``KAFKA_TOPIC_PREFIX`` says; without it those of the contract."""
    return EventTopics.behind(environ.get(PREFIX_VARIABLE, ""))
