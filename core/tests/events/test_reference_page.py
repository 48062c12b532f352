"""The reference page of events says all that the contract has."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from msgspec import Struct
from msgspec.structs import fields

from churnguard_core.events import reference_texts, topics
from churnguard_core.events.bad import BadEvent, Reason
from churnguard_core.events.envelope import Envelope
from churnguard_core.events.messages import MESSAGE_TYPES, Message
from churnguard_core.events.reference import events_page
from churnguard_core.events.results import Verdict
from churnguard_core.events.vocabulary import VOCABULARY


def rows(page: str) -> list[list[str]]:
    """Cells of all rows of tables."""
    return [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]


def test_every_event_type_reason_verdict_and_topic_is_named() -> None:
    page = events_page()
    first = {cell[0].strip("`") for cell in rows(page)}
    words = (
        *MESSAGE_TYPES,
        *get_args(Reason),
        *get_args(Verdict),
        topics.EVENTS,
        topics.BAD_EVENTS,
        topics.ERASURES,
    )
    assert set(words) <= first
    assert all(f"`{name}`" in page for name in VOCABULARY)


@pytest.mark.parametrize(
    ("kind", "meanings"),
    [
        (Message, "MESSAGE"),
        (Envelope, "ENVELOPE"),
        (BadEvent, "BAD_EVENT"),
        *[(each, "") for each in VOCABULARY.values()],
    ],
)
def test_every_field_is_named_and_nothing_else_has_a_meaning(kind: type[Struct], meanings: str) -> None:
    names = {field.encode_name for field in fields(kind)}
    assert names <= {cell[0].strip("`") for cell in rows(events_page())}
    if meanings:
        assert set(getattr(reference_texts, meanings)) == names


def test_a_reason_without_a_meaning_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {name: text for name, text in reference_texts.REASONS.items() if name != "schema"}
    monkeypatch.setattr("churnguard_core.events.reference.REASONS", without)
    with pytest.raises(KeyError, match="schema"):
        events_page()


def test_every_table_is_even() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", events_page(), re.MULTILINE)
    assert len(tables) > 10
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
