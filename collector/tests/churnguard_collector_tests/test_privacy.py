"""Nothing that names a person passes."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_collector.privacy import Marks, allows, kept_context, kept_properties, marks_of, network_of
from churnguard_core.events.messages import Message


def cleaned(value: Any, *marks: str) -> Any:
    """As an envelope has it: what cannot hold a mark is not looked at."""
    known = Marks(marks)
    return known.taken_out(value) if known.may_be_in(json.dumps(value).encode()) else value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u_42", "[removed]"),
        ("/users/u_42/orders", "/users/[removed]/orders"),
        ("u_421", "u_421"),
        ("xu_42", "xu_42"),
        ("for ann@example.com, and u_42", "for [removed], and [removed]"),
        ("?email=ann%40example.com&x=1", "?email=[removed]&x=1"),
        ("blue @ home", "blue @ home"),
        ("blue", "blue"),
    ],
)
def test_a_person_is_taken_out_of_texts_and_nothing_else_is(text: str, expected: str) -> None:
    assert cleaned(text, "u_42") == expected
    assert cleaned({"a": [{"b": text}]}, "u_42") == {"a": [{"b": expected}]}


def test_keys_of_objects_are_texts_too() -> None:
    assert cleaned({"u_42": 1, "ann@example.com": 2}, "u_42") == {"[removed]": 2}


def test_a_short_id_is_found_as_a_whole_value_and_as_a_number() -> None:
    assert cleaned({"user": "7", "number": 7, "step": "7 of 9", "yes": True}, "7") == {
        "user": "[removed]",
        "number": "[removed]",
        "step": "7 of 9",
        "yes": True,
    }


def test_an_id_that_is_written_with_escapes_is_found() -> None:
    # As bytes the id is nowhere in this JSON.
    encoded = rb'{"a":"\u0075_42","b":"z\u00fcrich-7"}'
    marks = Marks(["u_42", "zürich-7"])
    assert marks.may_be_in(encoded)
    assert marks.taken_out(json.loads(encoded)) == {"a": "[removed]", "b": "[removed]"}


@given(
    person=st.text(st.characters(categories=["L", "N"]), min_size=4, max_size=20),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
)
def test_whatever_the_id_is_it_does_not_stand_by_itself_in_what_is_kept(
    person: str, before: str, after: str
) -> None:
    kept = cleaned({"a": f"{before} {person} {after}", "b": [person], person: 1}, person)
    assert kept["b"] == ["[removed]"]
    assert person not in kept
    assert person not in kept["a"].replace("[removed]", " ").split()


CONTEXT = {
    "ip": "203.0.113.77",
    "userAgent": "Mozilla/5.0",
    "locale": "de-DE",
    "timezone": 7,
    "traits": {"email": "ann@example.com"},
    "device": {"id": "d-1", "advertisingId": "ad-1", "type": "phone"},
    "page": {
        "url": "https://shop.example/a?token=1#b",
        "referrer": "https://x.example/?q=me",
        "search": "?token=1",
    },
    "library": {"name": "js", "version": "1", "more": 1},
    "campaign": "spring",
}


def test_of_the_context_only_what_tells_nobody_apart_is_kept() -> None:
    assert kept_context(CONTEXT, with_network=False) == {
        "locale": "de-DE",
        "device": {"type": "phone"},
        "page": {"url": "https://shop.example/a", "referrer": "https://x.example/"},
        "library": {"name": "js", "version": "1"},
    }
    assert kept_context(CONTEXT, with_network=True)["network"] == "203.0.113.0/24"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("255.0.10.199", "255.0.10.0/24"),
        ("203.0.113", None),
        ("203.0.113.256", None),
        ("203.0.113.07", None),
        ("203.0.113.7 ", None),
        ("203.0.113.7\n", None),
        ("٢٠٣.0.113.7", None),
        ("fe80::1%eth0", "fe80::/48"),
        (None, None),
        ({}, None),
        (7, None),
    ],
)
def test_an_address_becomes_its_network(address: object, network: str | None) -> None:
    assert network_of(address) == network


@given(st.ip_addresses(v=4))
def test_a_plain_address_has_the_network_that_the_library_finds(address: ipaddress.IPv4Address) -> None:
    assert network_of(str(address)) == str(ipaddress.ip_network((address, 24), strict=False))


@given(st.lists(st.integers(0, 999).map(str) | st.just("07") | st.just(""), max_size=5).map(".".join))
def test_what_the_library_takes_for_no_address_has_no_network(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        assert network_of(text) is None


def test_traits_that_name_somebody_are_left_out() -> None:
    traits = {"Email": 1, "first_name": 1, "firstName": 1, "phone": 1, "plan": "plus", "age": 30}
    assert kept_properties(traits, type_="identify") == {"plan": "plus", "age": 30}
    assert kept_properties(traits, type_="group") == {"plan": "plus", "age": 30}
    assert kept_properties({"name": "Shirt"}, type_="track") == {"name": "Shirt"}


@pytest.mark.parametrize(
    ("consent", "allowed"),
    [
        ({"categoryPreferences": {"Analytics": True}}, True),
        ({"categoryPreferences": {"Analytics": False}}, False),
        ({"categoryPreferences": {"Analytics": "true"}}, False),
        ({"categoryPreferences": {"Advertising": True}}, False),
        ({"categoryPreferences": ["Analytics"]}, False),
        ("Analytics", False),
        (None, False),
    ],
)
def test_consent_is_what_was_said_and_nothing_else(consent: Any, allowed: bool) -> None:
    assert allows({"consent": consent}, category="Analytics") is allowed
    assert allows({"consent": consent}, category=None)


def test_the_marks_of_a_message_are_its_ids_and_its_address() -> None:
    message = Message(user_id="u_42", anonymous_id="a_1", previous_id="p_1", group_id="g_1")
    assert marks_of(message, context=CONTEXT).texts == {"u_42", "a_1", "p_1", "203.0.113.77"}
    assert marks_of(Message(), context={"ip": ["x"]}).texts == set()
