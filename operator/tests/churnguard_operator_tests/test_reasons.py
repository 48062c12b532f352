"""The reference page tells of every reason that the operator can give, and of none that it cannot."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import churnguard_operator
from churnguard_core.churnmodel.remedies import EVENTS, TOLD_OF_CONDITIONS
from churnguard_core.churnmodel.status import (
    REASONS_OF,
    RevisionInService,
    RevisionRecord,
    Status,
    StatusCondition,
    TrainingOutcome,
    TrainingRun,
    Verdict,
)
from churnguard_operator.events import events_between
from churnguard_operator.plan import Plan
from churnguard_operator.policy.routing import ANSWER_TIME
from churnguard_operator.settings import Settings
from churnguard_operator_tests.world import World

Spec = dict[str, Any]

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
PACKAGE = Path(churnguard_operator.__file__).parent
DOCUMENTED_EVENTS = {
    *((reason, event.type) for reason, event in EVENTS.items()),
    *((reason, "Warning") for reason in TOLD_OF_CONDITIONS),
}


@dataclass
class Witness(World):
    """A world that remembers each reason that a condition ever bore, and each event with its type."""

    reasons: set[tuple[str, str]] = field(default_factory=set)
    told: set[tuple[str, str]] = field(default_factory=set)

    def step(self) -> Plan:
        plan = super().step()
        self.reasons |= {(each["type"], each["reason"]) for each in self.status["conditions"]}
        self.told |= {(event.reason, event.type) for event in plan.events}
        return plan


def training_ends(**end: Any) -> Callable[[Witness], None]:
    def end_it(world: Witness) -> None:
        world.edit("training", "retries", to=0)
        world.settle()
        world.end_job("telco-r1-train", **end)
        world.settle()

    return end_it


def training_is_refused(reason: str) -> Callable[[Witness], None]:
    def refuse(world: Witness) -> None:
        training_ends(exit_code=2, message=world.refusal("telco-r1", reason=reason))(world)

    return refuse


def pod_is_evicted(world: Witness) -> None:
    world.edit("training", "retries", to=0)
    world.settle()
    world.end_job("telco-r1-train", exit_code=137)
    world.objects["Pod", "telco-r1-train-pod"]["status"]["reason"] = "Evicted"
    world.settle()


def job_is_deleted(world: Witness) -> None:
    world.edit("training", "retries", to=0)
    world.settle()
    world.delete("Job", "telco-r1-train")
    world.settle()


def gate_is_missed(world: Witness) -> None:
    world.settle()
    world.finish_training(accepted=False)
    world.settle()


def pod_waits(reason: str) -> Callable[[Witness], None]:
    def wait(world: Witness) -> None:
        world.settle()
        container = {"name": "train", "state": {"waiting": {"reason": reason}}}
        world.objects["Pod", "telco-r1-train-pod"]["status"] = {"containerStatuses": [container]}
        world.settle()

    return wait


def spec_is_edited_while_it_trains(world: Witness) -> None:
    world.settle()
    world.edit("training", "seed", to=99)
    world.settle()


def nothing_served_when_a_retraining_crashes(world: Witness) -> None:
    world.settle()
    world.finish_training()
    world.settle()
    world.pass_time(world.settings.rollout_deadline.total_seconds())
    world.settle()
    world.ask_to_train()
    world.settle()
    world.end_job("telco-r2-train", exit_code=1)
    world.settle()


def predictor_goes_down_and_comes_back(world: Witness) -> None:
    world.serve_first()
    world.play_kserve(world.inference_services()[0], ready=False)
    world.settle()
    world.bring_up()
    world.settle()


def edited_and_suspended_while_it_rolls_back(world: Witness) -> None:
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.roll_out()
    world.edit("serving", "revision", to="telco-r1")
    world.settle()
    world.edit("suspend", to=True)
    world.edit("training", "seed", to=99)
    world.settle()


def edited_while_bundles_are_deleted(world: Witness) -> None:
    world.edit("history", "revisions", to=1)
    world.serve_first()
    world.ask_to_train()
    world.settle()
    world.finish_training()
    world.roll_out()
    world.edit("training", "seed", to=99)
    world.settle()


def scaled_by_requests_without_keda(world: Witness) -> None:
    world.serve_first()
    world.edit("serving", "autoscaling", to={"metric": "requestsPerSecond", "target": 50})
    world.settle()


def no_gateway_takes_the_route(world: Witness) -> None:
    world.served = frozenset({"HTTPRoute"})
    world.edit("serving", "route", to={"gateway": "public"})
    world.serve_first()
    world.pass_time(ANSWER_TIME.total_seconds())
    world.settle()


def suspended_from_the_start(world: Witness) -> None:
    world.edit("suspend", to=True)
    world.settle()


def spec_is_invalid(world: Witness) -> None:
    world.edit("training", "algorithms", to=["Guess"])
    world.settle()


def name_is_taken(world: Witness) -> None:
    world.foreign_service()
    world.settle()


def claim_is_missing(world: Witness) -> None:
    world.missing = frozenset({("PersistentVolumeClaim", "bundles")})
    world.settle()


SITUATIONS: tuple[Callable[[Witness], None], ...] = (
    training_ends(exit_code=1, message="Traceback"),
    training_ends(exit_code=137, reason="OOMKilled"),
    training_ends(exit_code=1, job_reason="DeadlineExceeded"),
    training_ends(exit_code=0, message="no result"),
    training_is_refused("TooFewRows"),
    training_is_refused("StoreUnreachable"),
    pod_is_evicted,
    job_is_deleted,
    gate_is_missed,
    pod_waits("ImagePullBackOff"),
    pod_waits("CreateContainerConfigError"),
    spec_is_edited_while_it_trains,
    nothing_served_when_a_retraining_crashes,
    predictor_goes_down_and_comes_back,
    edited_and_suspended_while_it_rolls_back,
    edited_while_bundles_are_deleted,
    scaled_by_requests_without_keda,
    no_gateway_takes_the_route,
    suspended_from_the_start,
    spec_is_invalid,
    name_is_taken,
    claim_is_missing,
)


def witnesses(settings: Settings, spec: Spec) -> Iterator[Witness]:
    for situation in SITUATIONS:
        world = Witness(settings=settings, now=NOON)
        world.create(spec)
        situation(world)
        yield world


def test_every_reason_of_the_page_is_given_by_its_conditions_and_no_other_is(
    settings: Settings, spec: Spec
) -> None:
    given = {pair for world in witnesses(settings, spec) for pair in world.reasons}
    documented = {(condition, reason) for condition, reasons in REASONS_OF.items() for reason in reasons}
    assert given == documented


def test_every_event_of_the_page_is_sent_with_its_type_and_no_other_is(
    settings: Settings, spec: Spec
) -> None:
    sent = {pair for world in witnesses(settings, spec) for pair in world.told}
    assert sent | set(built_elsewhere()) == DOCUMENTED_EVENTS


def built_elsewhere() -> Iterator[tuple[str, str]]:
    """Reason and type of the events that the package makes of something else than two statuses."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            is_event = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Event"
            if is_event and path.name != "events.py":
                given = {each.arg: ast.literal_eval(each.value) for each in _literals(node)}
                yield given["reason"], given["type"]


def _literals(call: ast.AST) -> list[ast.keyword]:
    assert isinstance(call, ast.Call)
    return [each for each in call.keywords if each.arg in ("reason", "type")]


def test_no_two_statuses_differ_by_an_event_that_the_page_lacks() -> None:
    """Statuses one after the other, each part drawn from all that its type allows."""
    sent = {
        (event.reason, event.type)
        for before, after in itertools.chain(_trainings(), _roll_outs(), _conditions())
        for event in events_between(before, after)
    }
    assert sent - DOCUMENTED_EVENTS == set()
    assert len(sent) > 20


def _trainings() -> Iterator[tuple[Status, Status]]:
    for verdict, outcome in itertools.product(get_args(Verdict), (None, *get_args(TrainingOutcome))):
        record = RevisionRecord(name="telco-r1", verdict=verdict)
        run = TrainingRun(revision="telco-r1", job="telco-r1-train", attempt=1, outcome=outcome)
        yield Status(), Status(revisions=(record,), training=run)
        yield Status(training=TrainingRun(revision="telco-r1", attempt=1)), Status(training=run)


def _roll_outs() -> Iterator[tuple[Status, Status]]:
    parts = (None, *(RevisionInService(revision=name, inference_service=name) for name in ("r1", "r2")))
    statuses = [
        Status(serving=serving, candidate=candidate) for serving, candidate in itertools.product(parts, parts)
    ]
    yield from itertools.product(statuses, statuses)


def _conditions() -> Iterator[tuple[Status, Status]]:
    for kind, reasons in REASONS_OF.items():
        statuses = [
            Status(
                conditions=(
                    StatusCondition(
                        type=kind,
                        status=state,
                        reason=reason,
                        message="because",
                        observed_generation=1,
                        last_transition_time=NOON,
                    ),
                )
            )
            for reason in reasons
            for state in ("True", "False")
        ]
        yield from itertools.product([Status(), *statuses], statuses)
