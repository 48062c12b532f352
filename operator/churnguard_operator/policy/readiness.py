"""Is an InferenceService up? KServe's word, the Deployment's counts, and what a probe was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from churnguard_core.churnmodel.status import RevisionRecord
from churnguard_operator.observed import Observed

SCORE_TOLERANCE: Final = 1e-6
"""As parity is checked at load."""

HOPELESS: Final = frozenset(
    {"CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"}
)
"""Why a container waits that nobody but a person, or time, can mend."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an InferenceService stands. ``problem`` says why it does not answer; empty when it does."""

    ready_replicas: int
    problem: str

    @property
    def is_up(self) -> bool:
        """Whether it answers."""
        return not self.problem


def standing_of(name: str, *, observed: Observed) -> Standing:
    """How an InferenceService stands by KServe and its Deployment, without a probe."""
    view, deployment = observed.inference_service(name), observed.deployment(name)
    if view is None or view.is_deleting:
        return Standing(ready_replicas=0, problem=f"InferenceService {name} does not exist")
    if deployment is None:
        return Standing(ready_replicas=0, problem=f"KServe has made no Deployment for {name} yet")
    problem = ""
    if not view.is_ready:
        problem = view.problem or "KServe has not said that it is ready"
    elif deployment.ready == 0 and deployment.wanted > 0:
        problem = "none of its pods is ready"
    return Standing(ready_replicas=deployment.ready, problem=problem)


def serving_problem(name: str, *, observed: Observed) -> str:
    """Why what serves does not answer; empty when it does.

    By its pods: to KServe it is not ready while it grows, although those that it had go on answering.
    """
    standing = standing_of(name, observed=observed)
    return "" if standing.ready_replicas else standing.problem


def candidate_problem(name: str, *, record: RevisionRecord, replicas: int, observed: Observed) -> str:
    """Why traffic cannot move to a candidate yet; empty when it can.

    Args:
        name: Its InferenceService.
        record: Its revision.
        replicas: How many ready pods it needs: what the old one has, at least one.
        observed: What is seen.
    """
    standing = standing_of(name, observed=observed)
    if standing.problem:
        return standing.problem
    deployment = observed.deployment(name)
    if deployment is None or not deployment.is_current:
        return "its Deployment still replaces pods"
    if standing.ready_replicas < replicas:
        return f"{standing.ready_replicas} of {replicas} pods are ready"
    return probe_problem(name, record=record, observed=observed)


def probe_problem(name: str, *, record: RevisionRecord, observed: Observed) -> str:
    """What is wrong with the answer to the empty record; empty when it is the revision's own."""
    probe = observed.probe(name)
    if probe is None:
        return "it has not been probed yet"
    if probe.score is None:
        return f"the probe failed: {probe.problem}"
    if record.empty_score is None:
        return ""
    if not abs(probe.score - float(record.empty_score)) <= SCORE_TOLERANCE:
        return f"it scores the empty record {probe.score:.6f}, but {record.name} must score it {record.empty_score}"
    return ""


def is_probe_wanted(name: str, *, observed: Observed) -> bool:
    """Whether asking its pods makes sense: they are up."""
    return standing_of(name, observed=observed).is_up


def hopeless_problem(name: str, *, observed: Observed) -> str:
    """Why a candidate will not come up by itself soon; empty while there is hope."""
    view = observed.inference_service(name)
    if view is not None and view.has_failed_load:
        return view.problem or "KServe says that its load has failed"
    for pod in observed.pods:
        if pod.inference_service == name and pod.waiting_reason in HOPELESS:
            said = pod.exit_message.strip() or pod.waiting_message
            return f"{pod.waiting_reason}: {said}".strip(": ")[-1000:]
    return ""
