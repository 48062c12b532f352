"""manifests/kafka has the topics and rights that the programs use: no more, no less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from churnguard_core.events import topics

FOLDER = Path(__file__).resolve().parents[2] / "manifests" / "kafka"
DAY = 86_400_000
LANDING = "churnguard-landing"


def documents(name: str) -> dict[str, dict[str, Any]]:
    """The specs of a file's objects by their names."""
    found = yaml.safe_load_all((FOLDER / name).read_text())
    return {each["metadata"]["name"]: each["spec"] for each in found}


def rights(user: str) -> set[tuple[str, str, str, str]]:
    """Each operation that a user may do: on what, by which name, matched how."""
    acls = documents("users.yaml")[user]["authorization"]["acls"]
    return {
        (on["type"], on["name"], on["patternType"], operation)
        for acl in acls
        for on in [acl["resource"]]
        for operation in acl["operations"]
    }


def test_every_topic_of_the_contract_is_made_and_no_other() -> None:
    assert set(documents("topics.yaml")) == {topics.EVENTS, topics.BAD_EVENTS, topics.ERASURES}


def test_what_is_acknowledged_survives_a_broker_and_a_person_stays_in_one_partition() -> None:
    made = documents("topics.yaml")
    brokers = documents("node-pools.yaml")["brokers"]["replicas"]
    assert {(each["replicas"], each["config"]["min.insync.replicas"]) for each in made.values()} == {
        (brokers, 2)
    }
    assert {each["partitions"] for each in made.values()} == {12}
    kafka = documents("kafka.yaml")["churnguard"]["kafka"]["config"]
    assert (kafka["auto.create.topics.enable"], kafka["unclean.leader.election.enable"]) == (False, False)


def test_events_are_kept_a_week_and_erasures_for_ever() -> None:
    made = documents("topics.yaml")
    for name in (topics.EVENTS, topics.BAD_EVENTS):
        config = made[name]["config"]
        assert (config["retention.ms"], config["segment.ms"]) == (7 * DAY, DAY)
        assert (config["cleanup.policy"], config["message.timestamp.type"]) == ("delete", "LogAppendTime")
    assert made[topics.ERASURES]["config"]["cleanup.policy"] == "compact"


def test_the_collector_may_write_events_and_bad_events_and_nothing_else() -> None:
    prefix = "churnguard.events."
    assert rights("churnguard-collector") == {
        ("topic", prefix, "prefix", "Describe"),
        ("topic", prefix, "prefix", "Write"),
    }
    of_prefix = {name for name in documents("topics.yaml") if name.startswith(prefix)}
    assert of_prefix == {topics.EVENTS, topics.BAD_EVENTS}


def test_the_landing_may_read_events_in_its_group_and_write_bad_ones() -> None:
    assert rights("churnguard-landing") == {
        ("topic", topics.EVENTS, "literal", "Describe"),
        ("topic", topics.EVENTS, "literal", "Read"),
        ("group", LANDING, "literal", "Describe"),
        ("group", LANDING, "literal", "Read"),
        ("topic", topics.BAD_EVENTS, "literal", "Describe"),
        ("topic", topics.BAD_EVENTS, "literal", "Write"),
    }
