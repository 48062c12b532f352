"""The operator among objects and players: it looks, decides and writes, and may die between two writes."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import msgspec

from churnguard_core.names import ANNOTATION_TRAIN_REQUESTED_AT, KIND, LABEL_MODEL
from churnguard_operator.decide import decide
from churnguard_operator.observed import Observed, Probe
from churnguard_operator.plan import Plan
from churnguard_operator.policy.rollout import probes_wanted
from churnguard_operator.views.cluster import view_cluster
from churnguard_operator_tests.objects import stamp
from churnguard_operator_tests.players import Players


class ConflictError(Exception):
    """The status was written on top of an older version than the newest."""


@dataclass
class World(Players):
    """A cluster with one ChurnModel."""

    def observe(self) -> Observed:
        observed = self._view(())
        return self._view(self._probe(name) for name in probes_wanted(observed))

    def _view(self, probes: Any) -> Observed:
        objects = [document for (kind, _), document in self.objects.items() if kind != KIND]
        return view_cluster(
            self.model, objects=objects, probes=probes, served=self.served, missing=self.missing
        )

    def _probe(self, name: str) -> Probe:
        return Probe(inference_service=name, score=0.9 if name in self.serves_wrongly else 0.25)

    def plan(self) -> Plan:
        return decide(self.observe(), settings=self.settings, now=self.now)

    def write(self, plan: Plan, *, crash_after: int | None = None) -> None:
        """Carry a plan out; ``crash_after`` writes the operator dies."""
        resource_version = self.model["metadata"]["resourceVersion"]
        left = itertools.count() if crash_after is None else iter(range(crash_after))
        for document in plan.apply:
            if next(left, None) is None:
                return
            self.apply(document)
        if plan.status is not None:
            if next(left, None) is None:
                return
            self._write_status(plan, resource_version=resource_version)
            self.events += [event.reason for event in plan.events]
        for deletion in plan.delete:
            if next(left, None) is None:
                return
            found = self.objects.get((deletion.kind, deletion.name))
            if deletion.kind == "InferenceService" and deletion.name == self.selected():
                self.deleted_while_serving.append(deletion.name)
            if found is not None and found["metadata"]["uid"] == deletion.uid:
                self.delete(deletion.kind, deletion.name)

    def _write_status(self, plan: Plan, *, resource_version: str) -> None:
        if self.model["metadata"]["resourceVersion"] != resource_version:
            raise ConflictError
        before = self.status.get("lastRevision", 0)
        self._check_claims(plan)
        self.model["status"] = json.loads(msgspec.json.encode(plan.status))
        after = self.status.get("lastRevision", 0)
        if after > before:
            self.numbers.append(after)
        self.writes += 1
        self._touch(self.model)

    def _check_claims(self, plan: Plan) -> None:
        """Who reads that a revision begins to serve, or that the model is Ready, reaches that revision."""
        status = plan.status
        if status is None or status.serving is None:
            return
        name = status.serving.inference_service
        begins = self.status.get("serving", {}).get("inferenceService") != name
        is_ready = any((each.type, each.status) == ("Ready", "True") for each in status.conditions)
        if (begins or is_ready) and status.candidate is None:
            assert self.selected() == name, (
                f"{name} is said to serve, and the Service leads to {self.selected()}"
            )

    def step(self) -> Plan:
        plan = self.plan()
        self.write(plan)
        return plan

    def settle(self, *, most: int = 12) -> Plan:
        """Steps until nothing is left to do now; fails when that takes too many."""
        for _ in range(most):
            plan = self.step()
            if plan.is_empty:
                return plan
        raise AssertionError(f"not settled after {most} steps: {plan}")

    def serve_first(self) -> str:
        """From first sight to a revision that serves, alone; its name."""
        self.settle()
        revision = self.finish_training()
        self.roll_out()
        return revision

    def roll_out(self) -> None:
        """What is accepted comes up, takes over, and the old one has drained."""
        self.settle()
        self.bring_up()
        self.settle()
        self.pass_time(self.settings.drain.total_seconds())
        self.settle()

    def ask_to_train(self, request: str | None = None) -> None:
        self.annotate(ANNOTATION_TRAIN_REQUESTED_AT, request or stamp(self.now))

    def is_up(self, name: str) -> bool:
        """Whether KServe says that an InferenceService is ready and a pod of it is."""
        found = self.objects.get(("InferenceService", name), {}).get("status", {}).get("conditions", [])
        deployment = self.objects.get(("Deployment", f"{name}-predictor"), {})
        ready = any((each["type"], each["status"]) == ("Ready", "True") for each in found)
        return ready and deployment.get("status", {}).get("readyReplicas", 0) > 0

    def takes_route(self) -> bool:
        """Whether the Gateway's controller says that it takes the HTTPRoute."""
        route = self.objects.get(("HTTPRoute", self.name), {})
        parents = route.get("status", {}).get("parents", [])
        return any(each["conditions"][0]["status"] == "True" for each in parents)

    def condition(self, kind: str) -> tuple[str, str]:
        found = next(each for each in self.status["conditions"] if each["type"] == kind)
        return found["status"], found["reason"]

    def conditions(self) -> dict[str, tuple[str, str]]:
        return {each["type"]: (each["status"], each["reason"]) for each in self.status["conditions"]}

    def message(self, kind: str) -> str:
        found = next(each for each in self.status["conditions"] if each["type"] == kind)
        return str(found["message"])

    def serving(self) -> str | None:
        found = self.status.get("serving")
        return found["revision"] if found else None

    def selected(self) -> str | None:
        """The InferenceService that the stable Service leads to."""
        service = self.objects.get(("Service", self.name))
        if service is None or service["metadata"].get("labels", {}).get(LABEL_MODEL) != self.name:
            return None
        return str(service["spec"]["selector"]["app"]).removeprefix("isvc.").removesuffix("-predictor")
