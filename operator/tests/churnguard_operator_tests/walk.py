"""One random walk: people, the cluster and the operator act in any order; what must always hold is looked at each time.

A walk is a function of its seed. What people and the cluster may do is weighted so that models live long lives, rather
than to be pinned, suspended and broken in their first minutes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, get_args

from churnguard_core.churnmodel.status import REASONS_OF, ConditionType
from churnguard_core.churnmodel.types import Store
from churnguard_core.names import LABEL_REVISION
from churnguard_operator.settings import Settings
from churnguard_operator_tests.world import World

MOST_STEPS: Final = 12
"""However it was left, it must come to rest within so many steps."""

SPEC: Final[dict[str, Any]] = {
    "data": {"source": {"simulator": {"rows": 7043}}, "columns": {"label": {"name": "Churn"}}},
    "training": {"retries": 1, "schedule": {"cron": "0 3 * * 1", "timeZone": "Europe/Berlin"}},
    "history": {"revisions": 3},
}
SETTINGS: Final = Settings(
    training_image="training:1",
    serving_image="serving:1",
    store=Store(uri="pvc://bundles/models"),
    prometheus_address="http://prometheus.monitoring.svc:9090",
)
ENDS: Final[tuple[dict[str, Any], ...]] = (
    {"exit_code": 1, "message": "Traceback"},
    {"exit_code": 137, "reason": "OOMKilled"},
    {"exit_code": 143, "job_reason": "DeadlineExceeded"},
    {"exit_code": 0, "message": "no json"},
    {"exit_code": 2, "message": "usage: churnguard-train"},
)
MINUTES: Final = (0.02, 0.5, 1, 20, 60 * 24 * 8, -120)


class Walk:
    """A world and the chance that moves it."""

    def __init__(self, seed: int, *, name: str = "telco") -> None:
        self.chance = random.Random(seed)
        self.world = World(settings=SETTINGS, now=datetime(2025, 3, 3, 12, tzinfo=UTC), name=name)
        self.trail: list[str] = []
        self.deleted_jobs: set[str] = set()
        self.rests: Counter[str] = Counter()
        self.requests = 0
        self.world.create({**SPEC, "suspend": self.chance.random() < 0.2})

    def take(self, actions: int) -> None:
        """Walk, then let everybody be reasonable, and see that all ends well."""
        self.wander(actions)
        self.end_well()

    def wander(self, actions: int) -> None:
        """Walk, and look each time at what must always hold."""
        weights = self._weights()
        for action in self.chance.choices(list(weights), list(weights.values()), k=actions):
            self.trail.append(action.__name__)
            action()
            self.check_always()

    def _weights(self) -> dict[Callable[[], object], int]:
        return {
            self.world.step: 12,
            self.step_and_die: 8,
            self.come_to_rest: 6,
            self.training_ends_well: 6,
            self.training_is_rejected: 2,
            self.training_fails: 2,
            self.training_refuses: 1,
            self.pruning_ends: 4,
            self.job_vanishes: 2,
            self.predictors_come_up: 7,
            self.a_predictor_goes_down: 2,
            self.predictors_answer_wrongly: 1,
            self.a_child_is_deleted: 2,
            self.a_child_is_edited: 2,
            self.time_passes: 5,
            self.edit_what_is_learnt_from: 2,
            self.edit_serving: 3,
            self.ask_to_train: 2,
            self.pin: 1,
            self.unpin: 2,
            self.suspend: 1,
            self.resume: 3,
            self.break_the_spec: 1,
            self.mend_the_spec: 4,
            self.keda_comes_or_goes: 1,
            self.gateway_api_comes_or_goes: 1,
            self.edit_route: 1,
            self.gateway_answers: 3,
        }

    # People.

    def edit_what_is_learnt_from(self) -> None:
        self.world.edit("training", "seed", to=self.chance.randint(1, 3))

    def edit_serving(self) -> None:
        replicas = {"min": self.chance.randint(1, 3), "max": 3}
        metric = self.chance.choice(["cpu", "cpu", "memory", "requestsPerSecond"])
        levels = {"medium": "0.30", "high": self.chance.choice(["0.60", "0.70"])}
        name, value = self.chance.choice(
            [
                ("replicas", replicas),
                ("autoscaling", {"metric": metric, "target": 50}),
                ("levels", levels),
            ]
        )
        self.world.edit("serving", name, to=value)

    def edit_route(self) -> None:
        route = {"gateway": "public", "path": self.chance.choice(["/", "/telco"])}
        self.world.edit("serving", "route", to=self.chance.choice([None, route]))

    def ask_to_train(self) -> None:
        self.requests += 1
        self.world.ask_to_train(str(self.requests))

    def pin(self) -> None:
        known = [each["name"] for each in self.world.status.get("revisions", [])]
        self.world.edit("serving", "revision", to=self.chance.choice([*known, "telco-r77"]))

    def unpin(self) -> None:
        self.world.edit("serving", "revision", to=None)

    def suspend(self) -> None:
        self.world.edit("suspend", to=True)

    def resume(self) -> None:
        self.world.edit("suspend", to=False)

    def break_the_spec(self) -> None:
        self.world.edit("training", "algorithms", to=["Guess"])

    def mend_the_spec(self) -> None:
        self.world.edit("training", "algorithms", to=["XGBoost"])

    # The cluster.

    def training_ends_well(self) -> None:
        for _ in self.world.active_jobs():
            self.world.finish_training(seed=self.chance.randint(0, 2))

    def training_is_rejected(self) -> None:
        for _ in self.world.active_jobs():
            self.world.finish_training(accepted=False)

    def training_fails(self) -> None:
        for name in self.world.active_jobs():
            self.world.end_job(name, **self.chance.choice(ENDS))

    def training_refuses(self) -> None:
        for name in self.world.active_jobs():
            revision = self.world.objects["Job", name]["metadata"]["labels"][LABEL_REVISION]
            reason = self.chance.choice(["TooFewRows", "StoreUnreachable"])
            self.world.end_job(name, exit_code=2, message=self.world.refusal(revision, reason=reason))

    def pruning_ends(self) -> None:
        for name in self.world.active_jobs(purpose="prune"):
            self.world.end_job(name, exit_code=self.chance.choice([0, 0, 1]))

    def job_vanishes(self) -> None:
        if names := self.world.active_jobs() or [job["metadata"]["name"] for job in self.world.jobs()]:
            name = self.chance.choice(names)
            self.deleted_jobs.add(name)
            self.world.delete("Job", name)

    def predictors_come_up(self) -> None:
        self.world.serves_wrongly = set()
        self.world.bring_up()

    def a_predictor_goes_down(self) -> None:
        if names := self.world.inference_services():
            self.world.play_kserve(self.chance.choice(names), ready=False)

    def predictors_answer_wrongly(self) -> None:
        self.world.serves_wrongly = set(self.world.inference_services())

    def _children(self) -> list[tuple[str, str]]:
        kinds = ("Service", "ConfigMap", "InferenceService", "ServiceAccount", "ScaledObject", "HTTPRoute")
        return [key for key in self.world.objects if key[0] in kinds]

    def a_child_is_deleted(self) -> None:
        if children := self._children():
            self.world.delete(*self.chance.choice(children))

    def a_child_is_edited(self) -> None:
        if not (children := self._children()):
            return
        kind, name = self.chance.choice(children)
        document = self.world.objects[kind, name]
        if kind == "Service":
            document["spec"]["selector"] = {"app": "elsewhere"}
        elif kind == "ConfigMap":
            document["data"] = {"foreign": "{}"}
        elif kind == "InferenceService":
            document["spec"]["predictor"]["minReplicas"] = 7

    def keda_comes_or_goes(self) -> None:
        self.world.toggle_kind("ScaledObject")

    def gateway_api_comes_or_goes(self) -> None:
        self.world.toggle_kind("HTTPRoute")

    def gateway_answers(self) -> None:
        self.world.play_gateway(refusal=self.chance.choice(["", "", "NoMatchingListenerHostname"]))

    def time_passes(self) -> None:
        self.world.pass_time(60 * self.chance.choice(MINUTES))

    # The operator.

    def step_and_die(self) -> None:
        self.world.write(self.world.plan(), crash_after=self.chance.randint(0, 4))

    def come_to_rest(self) -> None:
        self.world.settle(most=MOST_STEPS)
        self.check_rest()

    # What must hold.

    def check_always(self) -> None:
        world = self.world
        assert len(world.active_jobs()) <= 1, "two trainings run"
        assert world.numbers == sorted(set(world.numbers)), "a number was used twice"
        made = [name for name in world.jobs_made if name not in self.deleted_jobs and "prune" not in name]
        assert len(made) == len(set(made)), "a Job was made twice"
        assert world.deleted_while_serving == [], "the operator deleted what serves"
        conditions = world.status.get("conditions", [])
        assert not conditions or [each["type"] for each in conditions] == list(get_args(ConditionType))
        for each in conditions:
            assert each["reason"] in REASONS_OF[each["type"]]
            assert each["message"]
        assert len(world.status.get("revisions", [])) <= 20
        assert not (world.active_jobs() and world.active_jobs(purpose="prune")), "prunes while training"

    def check_rest(self) -> None:
        """At rest the status tells the truth and nothing is left over."""
        world, status = self.world, self.world.status
        self.rests[world.condition("Progressing")[1]] += 1
        if world.condition("Accepted")[1] == "InvalidSpec":
            return
        serving = status.get("serving")
        assert world.selected() == (serving["inferenceService"] if serving else None)
        run = status.get("training", {})
        is_running = bool(run) and "outcome" not in run
        assert set(world.active_jobs()) <= {run.get("job")}
        if is_running and "started" in run:
            assert world.active_jobs() == [run["job"]]
        route = world.model["spec"].get("serving", {}).get("route")
        if world.condition("Ready")[0] == "True":
            assert (route is not None) is (("HTTPRoute", world.name) in world.objects)
            assert route is None or world.takes_route()
        is_up = serving is not None and world.is_up(serving["inferenceService"])
        assert (world.condition("Serving")[0] == "True") is is_up
        # What was deleted by hand after its template had been edited away cannot be made again; it is still named.
        named = {status[part]["inferenceService"] for part in ("serving", "candidate") if part in status}
        existing = set(world.inference_services()) | named
        owners = {
            document["metadata"].get("labels", {}).get("churnguard.dev/inference-service")
            for (kind, _), document in world.objects.items()
            if kind in ("ConfigMap", "ScaledObject")
        }
        assert owners - {None} <= existing, "something was left over"

    def end_well(self) -> None:
        """Everybody is reasonable from now on: a revision of the spec as it is serves in the end, and nothing else."""
        world = self.world
        for action in (self.mend_the_spec, self.unpin, self.resume, self.predictors_come_up):
            action()
        world.served |= {"HTTPRoute"}
        # What was refused, or failed for good, waits for a person.
        self.ask_to_train()
        for _ in range(8):
            self.training_ends_well()
            for name in world.active_jobs(purpose="prune"):
                world.end_job(name)
            self.come_to_rest()
            world.bring_up()
            self.come_to_rest()
            world.play_gateway()
            self.come_to_rest()
            world.pass_time(61)
            self.check_always()
        self.come_to_rest()
        conditions = world.conditions()
        assert conditions["Ready"] == ("True", "RevisionServing"), conditions
        assert conditions["Progressing"][1] in ("UpToDate", "AutoscalerMissing"), conditions
        assert world.inference_services() == [world.selected()]
        assert world.active_jobs() == []
        assert len(world.jobs(purpose="training")) <= world.settings.finished_jobs
