"""What must hold of a ChurnModel on the rig: always, and when all has come to rest. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, get_args

from rig_snapshot import LABEL_PURPOSE, ModelSnapshot, is_finished, labels, revision_of

from churnguard_core.churnmodel.status import REASONS_OF, ConditionType
from churnguard_core.names import ANNOTATION_TRAIN_REQUESTED_AT, revision_number

LABEL_INFERENCE_SERVICE: Final = "churnguard.dev/inference-service"
FINISHED_JOBS: Final = 3
ROLLING_OUT: Final = frozenset({"RolloutInProgress", "RollbackInProgress", "RolloutFailed"})
OBSTACLES: Final = frozenset({"InvalidSpec", "NameTaken", "DependencyMissing"})


def breaches(model: ModelSnapshot) -> list[str]:
    """What must never be, and is."""
    return [*_two_jobs(model), *_words(model), *_marks(model)]


def untruths(model: ModelSnapshot) -> list[str]:
    """Where the status is not what is there, or something is left over, once all has come to rest."""
    return [
        *breaches(model),
        *_generations(model),
        *_traffic(model),
        *_training(model),
        *_predictors(model),
        *_leftovers(model),
        *_strangers(model),
        *_jobs(model),
        *_summary(model),
    ]


def _two_jobs(model: ModelSnapshot) -> Iterator[str]:
    active = model.active_jobs("training")
    if len(active) > 1:
        yield f"two trainings run: {[job['metadata']['name'] for job in active]}"
    for revision, count in Counter(map(revision_of, active)).items():
        if count > 1:
            yield f"{revision} is trained twice"
    if active and model.active_jobs("prune"):
        yield "bundles are deleted while one may be stored"


def _words(model: ModelSnapshot) -> Iterator[str]:
    conditions = model.conditions
    if conditions and list(conditions) != list(get_args(ConditionType)):
        yield f"conditions are {list(conditions)}"
    for kind in get_args(ConditionType):
        found = conditions.get(kind)
        if found is not None and found["reason"] not in REASONS_OF[kind]:
            yield f"{kind} has the reason {found['reason']}"
        if found is not None and not found["message"]:
            yield f"{kind} says nothing"


def _marks(model: ModelSnapshot) -> Iterator[str]:
    metadata = model.document["metadata"]
    if metadata.get("finalizers"):
        yield f"the ChurnModel has finalizers: {metadata['finalizers']}"
    if foreign := set(metadata.get("annotations", {})) - {ANNOTATION_TRAIN_REQUESTED_AT}:
        yield f"the ChurnModel has annotations: {foreign}"


def _generations(model: ModelSnapshot) -> Iterator[str]:
    generation = model.document["metadata"]["generation"]
    if not model.conditions:
        yield "the status has no conditions"
    if model.status.get("observedGeneration") != generation:
        yield f"the status is of generation {model.status.get('observedGeneration')}, not of {generation}"
    for kind, found in model.conditions.items():
        if found["observedGeneration"] != generation:
            yield f"{kind} is of generation {found['observedGeneration']}, not of {generation}"


def _traffic(model: ModelSnapshot) -> Iterator[str]:
    serving, service = model.named("serving"), model.service()
    is_taken = service is not None and not model.owns(service)
    if (model.condition("Accepted") == ("False", "NameTaken")) is not is_taken:
        yield f"Accepted is {model.condition('Accepted')}, and the Service is {'not ' * is_taken}the model's own"
    if bool(model.status.get("url")) is not bool(serving):
        yield f"the URL is {model.status.get('url')} while {serving} serves"
    if is_taken:
        return
    selected = service["spec"]["selector"] if service else None
    wanted = {"app": f"isvc.{serving}-predictor"} if serving else None
    if selected != wanted:
        yield f"the Service leads to {selected}, and {serving} serves"


def _training(model: ModelSnapshot) -> Iterator[str]:
    run = model.status.get("training", {})
    active = {job["metadata"]["name"] for job in model.active_jobs("training")}
    is_running = bool(run) and "outcome" not in run
    if not is_running and active:
        yield f"{active} run, and the status says that {run.get('revision')} ended as {run.get('outcome')}"
    if is_running and "started" in run and active != {run["job"]}:
        yield f"{active} run, and the status says {run['job']}"
    if is_running and "started" not in run and not _is_held_up(model):
        yield f"nothing holds {run['job']} up, and it has not started"
    numbers = [revision_number(each["name"]) for each in model.status.get("revisions", ())]
    if numbers != sorted(set(numbers), reverse=True) or max(numbers, default=0) > _last(model):
        yield f"the history has the numbers {numbers}, and the last is {_last(model)}"


def _is_held_up(model: ModelSnapshot) -> bool:
    return bool(model.document["spec"].get("suspend")) or model.condition("Accepted")[0] != "True"


def _last(model: ModelSnapshot) -> int:
    return int(model.status.get("lastRevision", 0))


def _predictors(model: ModelSnapshot) -> Iterator[str]:
    serving, candidate = model.named("serving"), model.named("candidate")
    said, pods = model.condition("Serving"), model.ready_pods(serving) if serving else 0
    if said[0] == "True" and pods == 0:
        yield f"Serving is {said}, and no pod of {serving} is ready"
    if said[0] != "True" and pods and serving and model.is_ready(serving):
        yield f"Serving is {said}, and {serving} is ready"
    if candidate is not None and model.condition("Progressing")[1] not in ROLLING_OUT | OBSTACLES:
        yield f"{candidate} is to serve, and Progressing is {model.condition('Progressing')}"
    if candidate is None and model.condition("Progressing")[1] in ROLLING_OUT:
        yield f"nothing is to serve, and Progressing is {model.condition('Progressing')}"
    existing, named = model.inference_services(), {serving, candidate} - {None}
    if existing - named:
        yield f"{sorted(existing - named)} are left over"
    # What was deleted by hand after its template had been edited away cannot be made again.
    if named - existing and not (named - existing == {serving} and said[0] != "True"):
        yield f"{named - existing} are missing"


def _leftovers(model: ModelSnapshot) -> Iterator[str]:
    named = {model.named("serving"), model.named("candidate")}
    run = model.status.get("training", {})
    running = run.get("revision") if "outcome" not in run else None
    for child in model.children("ConfigMap"):
        name, marks = child["metadata"]["name"], labels(child)
        if LABEL_INFERENCE_SERVICE in marks and marks[LABEL_INFERENCE_SERVICE] not in named:
            yield f"ConfigMap {name} is left over"
        if marks.get(LABEL_PURPOSE) == "training" and revision_of(child) != running:
            yield f"ConfigMap {name} is left over"


def _strangers(model: ModelSnapshot) -> Iterator[str]:
    for kind in ("Job", "InferenceService", "Service", "ConfigMap", "ServiceAccount"):
        for child in model.children(kind):
            owners = {owner.get("kind") for owner in child["metadata"].get("ownerReferences", ())}
            # KServe's Service of a predictor bears the model's label too, and is KServe's.
            if not model.owns(child) and "InferenceService" not in owners:
                yield f"{kind} {child['metadata']['name']} bears the model's label and is not its own"


def _jobs(model: ModelSnapshot) -> Iterator[str]:
    for job in model.active_jobs("prune"):
        yield f"Job {job['metadata']['name']} still runs"
    finished = [job for job in model.children("Job") if is_finished(job)]
    trained = [job for job in finished if labels(job).get(LABEL_PURPOSE) == "training"]
    if len(trained) > FINISHED_JOBS:
        yield f"{len(trained)} finished Jobs are kept"


def _summary(model: ModelSnapshot) -> Iterator[str]:
    parts = [model.condition(kind)[0] for kind in ("Accepted", "Trained", "Serving")]
    if (model.condition("Ready")[0] == "True") is not (parts == ["True"] * 3):
        yield f"Ready is {model.condition('Ready')}, and its parts are {parts}"
    accepted = [each["name"] for each in model.status.get("revisions", ()) if each["verdict"] == "Accepted"]
    if model.condition("Trained")[0] == "True" and not accepted:
        yield "Trained is True, and no revision was accepted"
    serving = model.status.get("serving", {}).get("revision")
    if serving is not None and serving not in accepted:
        yield f"{serving} serves, and was not accepted: {accepted}"
