"""Small rules, each by its table or its law."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.status import RevisionInService, RevisionRecord, Status
from churnguard_core.churnmodel.types import Gate, Store
from churnguard_core.gates import GateOutcome
from churnguard_core.result import TrainingResult
from churnguard_operator.observed import JobView, ModelView, PodView
from churnguard_operator.policy.backoff import backoff, is_over
from churnguard_operator.policy.history import bundle_names, newest_accepted, trimmed
from churnguard_operator.policy.inputs import inputs_hash, job_hash
from churnguard_operator.policy.outcome import ending_of
from churnguard_operator.policy.target import target_of
from churnguard_operator.policy.verdict import is_accepted, judge, missed

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@settings(deadline=None)
@given(failures=st.integers(-5, 10**6))
def test_a_wait_grows_and_is_bounded(failures: int) -> None:
    wait = backoff(failures=failures, first=30 * SECOND, longest=HOUR)
    assert 30 * SECOND <= wait <= HOUR
    assert wait <= backoff(failures=failures + 1, first=30 * SECOND, longest=HOUR)


def test_a_wait_that_no_failure_can_have_caused_is_over() -> None:
    assert not is_over(NOON + HOUR, now=NOON, longest=HOUR)
    assert is_over(NOON + HOUR + SECOND, now=NOON, longest=HOUR)
    assert is_over(NOON, now=NOON, longest=HOUR)


def document(spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "telco", "namespace": "retention"}
    return {
        "apiVersion": "churnguard.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": metadata,
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("part", "value", "trains"),
    [
        ("data", {"source": {"simulator": {"seed": 8}}, "columns": {"label": {"name": "Churn"}}}, True),
        ("training", {"seed": 8}, True),
        ("training", {"algorithms": ["LogisticRegression"]}, True),
        ("gates", [{"metric": "rocAuc", "min": "0.9"}], True),
        ("training", {"schedule": {"cron": "0 3 * * 1"}}, False),
        ("training", {"retries": 7, "deadlineSeconds": 99, "resources": {"cpu": "2"}}, False),
        ("training", {"seed": 7}, False),
        ("serving", {"replicas": {"min": 2, "max": 4}}, False),
        ("history", {"revisions": 2}, False),
        ("store", {"uri": "s3://elsewhere"}, False),
        ("suspend", True, False),
    ],
)
def test_only_what_influences_a_training_changes_its_hash(
    spec: dict[str, Any], part: str, value: Any, trains: bool
) -> None:
    before = inputs_hash(parse_churnmodel(document({**spec, "training": {}})))
    after = inputs_hash(parse_churnmodel(document({**spec, "training": {}, part: value})))
    assert (before != after) is trains


def test_a_field_at_its_default_is_as_good_as_absent(spec: dict[str, Any]) -> None:
    bare = parse_churnmodel(document({**spec, "training": {}}))
    written = parse_churnmodel(document({**spec, "training": {"seed": 7, "search": {"trials": 20}}}))
    assert inputs_hash(bare) == inputs_hash(written)


def test_another_memory_deadline_or_store_is_another_job(spec: dict[str, Any]) -> None:
    store = Store(uri="s3://bundles")
    changes: list[dict[str, Any]] = [{}, {"deadlineSeconds": 99}, {"resources": {"memory": "4Gi"}}]
    models = [parse_churnmodel(document({**spec, "training": change})) for change in changes]
    hashes = [job_hash(model, store=store) for model in models]
    assert len({*hashes, job_hash(models[0], store=Store(uri="s3://other"))}) == 4


def record(number: int, *, verdict: Any = "Accepted", digest: str | None = None) -> RevisionRecord:
    digest = digest or f"sha256:{number:064d}"
    bundle = f"s3://bundles/retention/telco/telco-r{number}-{digest[7:19]}"
    return RevisionRecord(name=f"telco-r{number}", verdict=verdict, bundle=bundle, digest=digest)


@settings(deadline=None)
@given(
    numbers=st.sets(st.integers(1, 10**6), max_size=40),
    most=st.integers(1, 20),
    used=st.sets(st.integers(1, 10**6), max_size=3),
)
def test_history_is_bounded_newest_first_and_keeps_what_is_in_use(
    numbers: set[int], most: int, used: set[int]
) -> None:
    records = [record(number) for number in numbers | used]
    in_use = {f"telco-r{number}" for number in used}
    kept = [each.name for each in trimmed(records, most=most, in_use=in_use)]
    assert len(kept) == min(max(most, len(used)), len(records))
    assert in_use <= set(kept)
    assert kept == sorted(kept, key=lambda name: -int(name.removeprefix("telco-r")))
    others = sorted(numbers - used, reverse=True)
    assert set(kept) - in_use == {f"telco-r{number}" for number in others[: max(0, most - len(used))]}


def test_the_newest_is_by_number_not_by_letter() -> None:
    newest = newest_accepted([record(9), record(10), record(11, verdict="Rejected")])
    assert newest is not None
    assert newest.name == "telco-r10"


def test_bundles_are_named_as_prune_wants_them() -> None:
    failed = RevisionRecord(name="telco-r3", verdict="Failed")
    assert bundle_names([record(2, verdict="Rejected"), failed]) == ("telco-r2-000000000000",)


@pytest.mark.parametrize(
    ("pinned", "serving", "expected"),
    [
        (None, None, "telco-r3"),
        (None, "telco-r2", "telco-r3"),
        ("telco-r2", "telco-r3", "telco-r2"),
        # Rejected, unknown: what serves stays.
        ("telco-r4", "telco-r2", "telco-r2"),
        ("telco-r9", "telco-r2", "telco-r2"),
        ("telco-r9", None, None),
        # The same bundle: nothing needs rolling out, unless it is asked for by name.
        (None, "telco-r1", "telco-r1"),
        ("telco-r3", "telco-r1", "telco-r3"),
    ],
)
def test_the_pinned_or_the_newest_accepted_revision_is_to_serve(
    pinned: str | None, serving: str | None, expected: str | None
) -> None:
    same = f"sha256:{3:064d}"
    records = (record(4, verdict="Rejected"), record(3), record(2), record(1, digest=same))
    status = Status(
        revisions=records, serving=RevisionInService(revision=serving) if serving is not None else None
    )
    target = target_of(status, pinned=pinned)
    assert (target.name if target else None) == expected


def result(**fields: Any) -> TrainingResult:
    return TrainingResult(verdict="Trained", model="telco", revision="telco-r1", **fields)


def test_gates_are_judged_from_the_figures_not_from_what_the_run_says() -> None:
    lies = (GateOutcome(gate="rocAuc >= 0.90", passed=True),)
    found = judge(result(metrics={"rocAuc": 0.8}, gates=lies), gates=(Gate(metric="rocAuc", min="0.90"),))
    assert not is_accepted(found)
    assert missed(found) == "rocAuc >= 0.90 (is 0.8000)"


def test_without_figures_the_runs_own_verdict_counts_and_without_any_it_is_rejected() -> None:
    own = (GateOutcome(gate="rocAuc >= 0.80", passed=True),)
    assert is_accepted(judge(result(gates=own), gates=(Gate(metric="rocAuc", min="0.80"),)))
    assert not is_accepted(judge(result(), gates=()))


def test_a_result_may_come_to_sight_after_its_job_has_ended() -> None:
    job = JobView(
        name="telco-r1-train",
        uid="1",
        purpose="Training",
        revision="telco-r1",
        created=NOON,
        state="Complete",
        finished=NOON,
    )
    model = ModelView(
        name="telco",
        namespace="retention",
        uid="2",
        generation=1,
        resource_version="1",
        created=NOON,
        parsed=None,
        status=Status(),
    )

    def outcome(*pods: PodView, seconds: int) -> str | None:
        found = ending_of(
            model=model,
            revision="telco-r1",
            job=job,
            pods=pods,
            now=NOON + seconds * SECOND,
            grace=10 * SECOND,
        )
        return found.outcome if found else None

    assert outcome(seconds=9) is None
    assert outcome(PodView(name="pod", created=NOON), seconds=9) is None
    assert outcome(seconds=10) == "ResultMissing"
