"""Which sink settings mean."""

from __future__ import annotations

from typing import Any

import pytest

from churnguard_collector.choice import UnclearSink, chosen_sink

KAFKA, DATABASE = {"KAFKA_BOOTSTRAP": "k:9092"}, {"DATABASE_URL": "postgresql://db/x"}


def chosen(**settings: Any) -> str:
    nothing: dict[str, Any] = {"named": None, "has_bootstrap": False, "has_database": False, "environ": {}}
    return chosen_sink(**{**nothing, **settings})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"environ": KAFKA}, "kafka"),
        ({"environ": DATABASE}, "postgres"),
        # The landing beside it needs both.
        ({"environ": {**KAFKA, **DATABASE}}, "kafka"),
        ({"environ": {**KAFKA, **DATABASE}, "named": "postgres"}, "postgres"),
        ({"environ": {**DATABASE, "KAFKA_BOOTSTRAP": ""}}, "postgres"),
        ({"environ": DATABASE, "has_bootstrap": True}, "kafka"),
        ({"has_database": True}, "postgres"),
        ({"environ": KAFKA, "has_database": True, "named": "postgres"}, "postgres"),
    ],
)
def test_kafka_is_meant_where_there_is_one(settings: dict[str, Any], expected: str) -> None:
    assert chosen(**settings) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "nowhere to keep events: KAFKA_BOOTSTRAP or DATABASE_URL says where"),
        ({"has_bootstrap": True, "has_database": True}, "give one of them"),
        ({"has_bootstrap": True, "named": "postgres"}, "--bootstrap is not used by the sink postgres"),
        ({"has_database": True, "named": "kafka"}, "--database is not used by the sink kafka"),
        ({"has_database": True, "environ": KAFKA}, "say which is meant with --sink"),
    ],
)
def test_settings_that_contradict_one_another_are_refused(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(UnclearSink, match=expected):
        chosen(**settings)
