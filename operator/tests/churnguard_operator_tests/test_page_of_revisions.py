"""docs/revision.md: its diagram has the ways that revisions go on random walks, its table what the operator writes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest

from churnguard_core.names import LABEL_MODEL, LABEL_REVISION
from churnguard_operator.plan import Plan
from churnguard_operator_tests.walk import SPEC, Walk
from churnguard_operator_tests.world import World

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "revision.md").read_text()
(DIAGRAM,) = re.findall(r"^```mermaid\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)

FEWEST_WALKS, MOST_WALKS, ACTIONS = 6, 40, 150
END = "[*]"
TRAINING = ("Allocated", "Running", "Waiting")
PASSING = ("Accepted", "Superseded", "Leaving")
"""States that a revision may enter and leave within one step of the operator."""

Edge = tuple[str, str]


def edges(text: str) -> set[Edge]:
    return set(re.findall(r"^\s*(\S+) --> ([^\s:]+)", text, flags=re.MULTILINE))


INNER = edges(DIAGRAM[DIAGRAM.index("{") : DIAGRAM.index("}")])
OUTER = edges(DIAGRAM) - INNER


@dataclass
class Diary(World):
    """A world that notes the state of each revision after each step of the operator, and where it came from."""

    states: dict[str, str] = field(default_factory=dict)
    ways: set[Edge] = field(default_factory=set)

    def write(self, plan: Plan, *, crash_after: int | None = None) -> None:
        before = self.status
        super().write(plan, crash_after=crash_after)
        if plan.status is not None and self.status is before:
            # It died before it said what it has done.
            return
        now = {name: self.state_of(name) for name in self._revisions()}
        for name, state in now.items():
            self.ways.add((self.states.get(name, END), state))
        self.ways |= {(state, END) for name, state in self.states.items() if name not in now}
        self.states = now

    def state_of(self, revision: str) -> str:
        """By what docs/revision.md says of it."""
        status = self.status
        for part, state in (("serving", "Serving"), ("candidate", "RollingOut")):
            if status.get(part, {}).get("revision") == revision:
                return state
        verdict = next(
            (each["verdict"] for each in status.get("revisions", ()) if each["name"] == revision), None
        )
        run = status.get("training", {})
        if verdict is None and run.get("revision") == revision:
            if "outcome" in run:
                return "Waiting"
            return "Running" if "started" in run else "Allocated"
        was_up = self.states.get(revision) in ("RollingOut", "Serving", "Leaving")
        return "Leaving" if was_up and revision in self._with_pods() else str(verdict)

    def _with_pods(self) -> set[str]:
        return {
            document["metadata"]["labels"][LABEL_REVISION]
            for (kind, _), document in self.objects.items()
            if kind == "InferenceService"
        }

    def _revisions(self) -> Iterator[str]:
        yield from (record["name"] for record in self.status.get("revisions", ()))
        yield from self._with_pods() & set(self.states)
        if "training" in self.status:
            yield self.status["training"]["revision"]


@pytest.fixture(scope="module")
def ways() -> set[Edge]:
    """Ways that revisions went in one step: on as many walks as it takes to see all that is drawn, and then some."""
    found = ways_of_a_pin_at_once()
    for seed in range(MOST_WALKS):
        walk = Walk(seed)
        known = {each.name: getattr(walk.world, each.name) for each in fields(walk.world)}
        walk.world = diary = Diary(**known)
        walk.take(ACTIONS)
        found |= {(came, went) for came, went in diary.ways if came != went}
        seen = {edge for drawn in (*around(found).values(), *within(found).values()) for edge in drawn}
        if seed >= FEWEST_WALKS and seen >= OUTER | INNER:
            break
    return found


def ways_of_a_pin_at_once() -> set[Edge]:
    """Back to what has just been taken over from: walks are seldom so quick."""
    walk = Walk(0).world
    world = Diary(settings=walk.settings, now=walk.now)
    world.create(SPEC)
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.settle()
    world.bring_up()
    world.settle()
    world.edit("serving", "revision", to="telco-r1")
    world.settle()
    return {(came, went) for came, went in world.ways if came != went}


def around(ways: set[Edge]) -> dict[Edge, list[Edge]]:
    """The ways from state to state, training being one, each with the drawn edges that it took."""
    went = {tuple("Training" if state in TRAINING else state for state in way) for way in ways}
    return {(came, to): through((came, to), drawn=OUTER, passing=PASSING) for came, to in went if came != to}


def within(ways: set[Edge]) -> dict[Edge, list[Edge]]:
    """The ways inside of training; a Job may end before the operator has seen that it began."""
    went = {way for way in ways if way[0] in (END, *TRAINING) and way[1] in TRAINING}
    return {way: through(way, drawn=INNER, passing=("Running",)) for way in went}


def through(way: Edge, *, drawn: set[Edge], passing: tuple[str, ...]) -> list[Edge]:
    """The drawn edges that a way took: itself, or the fewest through states that are left at once."""
    paths = [[way[0]]]
    for path in paths:
        for state in (way[1], *passing):
            if (path[-1], state) in drawn and state not in path[1:]:
                if state == way[1]:
                    return list(itertools.pairwise([*path, state]))
                paths.append([*path, state])
    return []


@pytest.mark.parametrize(("took", "drawn"), [(around, OUTER), (within, INNER)])
def test_revisions_go_the_ways_of_the_diagram_and_all_of_them(
    ways: set[Edge], took: Callable[[set[Edge]], dict[Edge, list[Edge]]], drawn: set[Edge]
) -> None:
    taken = took(ways)
    assert [way for way, edges in taken.items() if not edges] == []
    assert drawn - {edge for edges in taken.values() for edge in edges} == set()


def test_the_table_below_the_diagram_has_its_states() -> None:
    drawn = {state for edge in INNER | OUTER for state in edge} - {END, "Training"}
    table = PAGE.partition("| state |")[2].partition("\n\n")[0]
    listed = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(drawn)


def test_the_page_names_every_object_that_the_operator_writes_and_no_other(
    world: World, spec: dict[str, Any]
) -> None:
    world.served = frozenset({"ScaledObject", "HTTPRoute"})
    world.settings = Walk(0).world.settings
    world.create({**spec, "history": {"revisions": 1}})
    world.edit("serving", "autoscaling", to={"metric": "requestsPerSecond"})
    world.edit("serving", "route", to={"gateway": "public"})
    seen = set(written(world))
    world.settle()
    seen |= set(written(world))
    world.end_job("telco-r1-train", exit_code=1)
    world.settle()
    world.pass_time(world.settings.first_backoff.total_seconds())
    world.serve_first()
    seen |= set(written(world))
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.roll_out()
    seen |= set(written(world))
    table = PAGE.partition("| kind | name |")[2].partition("\n\n")[0]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| ")]
    listed = {(row[1].strip(), name) for row in rows for name in re.findall(r"`([^`]+)`", row[2])}
    assert seen == listed


def written(world: World) -> Iterator[tuple[str, str]]:
    """Kind and name of the model's children, as the page writes them: of its first revision, hashes left out."""
    for (kind, name), document in world.objects.items():
        if LABEL_MODEL in document["metadata"].get("labels", {}) and kind != "Pod":
            first = re.sub(r"-r\d+", "-r1", name)
            yield kind, re.sub(r"(-r1|-prune)-(?!train)[0-9a-z]+$", r"\1-<hash>", first)


CHANGES: list[tuple[tuple[str, ...], Any, str, str]] = [
    (("data", "columns", "label", "name"), "Left", "spec.data", "a training"),
    (("gates",), [{"metric": "rocAuc", "min": "0.70"}], "spec.gates", "a training"),
    (("training", "algorithms"), ["XGBoost"], "algorithms", "a training"),
    (("training", "balancing"), "ClassWeight", "balancing", "a training"),
    (("training", "search"), {"trials": 5}, "search", "a training"),
    (("training", "seed"), 99, "seed", "a training"),
    (("training", "deadlineSeconds"), 1800, "spec.training.deadlineSeconds", "nothing now"),
    (("training", "resources"), {"memory": "4Gi"}, "spec.training.resources", "nothing now"),
    (("store",), {"uri": "s3://bundles/models"}, "spec.store", "nothing now"),
    (("training", "schedule"), {"cron": "0 3 * * 1"}, "spec.training.retries", "nothing now"),
    (("training", "retries"), 5, "spec.training.retries", "nothing now"),
    (("serving", "levels"), {"medium": "0.20"}, "levels", "a roll-out"),
    (
        ("serving", "insights"),
        [{"when": {"feature": "a", "equals": "b"}, "text": "c"}],
        "insights",
        "a roll-out",
    ),
    (("serving", "resources"), {"cpu": "200m"}, "resources", "a roll-out"),
    (("serving", "autoscaling", "metric"), "requestsPerSecond", "requestsPerSecond", "a roll-out"),
    (("serving", "autoscaling", "metric"), "memory", "memory", "patched in place"),
    (("serving", "autoscaling", "target"), 50, "autoscaling.target", "patched in place"),
    (("serving", "replicas"), {"min": 2}, "replicas", "patched in place"),
]
"""A field, another value of it, the name that tells its row of the page, and what the row must say."""


@pytest.mark.parametrize(("path", "value", "row", "effect"), CHANGES)
def test_a_change_does_what_the_page_says(
    world: World, spec: dict[str, Any], path: tuple[str, ...], value: Any, row: str, effect: str
) -> None:
    world.served = frozenset({"ScaledObject"})
    world.settings = Walk(0).world.settings
    world.create(spec)
    world.serve_first()
    before = [world.objects["InferenceService", name] for name in world.inference_services()]
    world.edit(*path, to=value)
    world.settle()
    after = [world.objects["InferenceService", name] for name in world.inference_services()]
    changed = "patched in place" if after != before else "nothing now"
    rolled = "a roll-out" if len(after) > len(before) else changed
    assert ("a training" if world.active_jobs() else rolled) == effect
    table = PAGE.partition("| you change |")[2].partition("\n\n")[0]
    (said,) = [
        cells[2]
        for cells in (line.split("|") for line in table.splitlines() if line.startswith("| "))
        if f"`{row}`" in cells[1]
    ]
    assert effect in said
