"""What can go wrong between the operator and the API server: it gets over it by itself, and nothing is done twice."""

from __future__ import annotations

import http
import time

import pytest
from fault_proxy import FaultProxy
from faults import Delay, Expire, Fault, Freeze, Refuse, every, unless_lease, watches
from operator_rig import Operator
from operator_story import NAME, Story

from churnguard_cluster.objects import reference
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.slow]

FAULTS: dict[str, Fault] = {
    "watches that expire": Expire(),
    "too many requests": Refuse(which=unless_lease, status=http.HTTPStatus.TOO_MANY_REQUESTS, retry_after=1),
    "slow answers": Delay(which=every, seconds=0.5),
}


def wait_until_at_peace(operator: Operator, proxy: FaultProxy) -> None:
    """Returns when a whole resync has passed without a complaint."""

    def passes() -> bool:
        said, lists = len(operator.logs), proxy.count("list", "churnmodels")
        wait_for(lambda: proxy.count("list", "churnmodels") >= lists + 2, what="two lists of everything")
        return all(line["level"] in ("debug", "info") for line in operator.logs[said:])

    wait_for(passes, what="no complaints any more", seen=lambda: operator.logs[-3:])


def uid_of_service(story: Story) -> str | None:
    found = story.objects.find(reference("v1", "Service", NAME), namespace=story.namespace)
    return found["metadata"]["uid"] if found else None


@pytest.mark.parametrize("name", FAULTS)
def test_it_goes_on_after(name: str, operator: Operator, story: Story, proxy: FaultProxy) -> None:
    process = operator.start(resync_seconds=1)
    story.create()
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")
    with proxy.afflicted(FAULTS[name]):
        weather = proxy.weather
        proxy.cut_watches()
        story.finish_training(revision="telco-r1")
        wait_for(lambda: len(weather.met) >= 5, what="the fault to be met", seen=lambda: weather.met)
    story.wait_for_condition("Progressing", "True", "RolloutInProgress")
    assert len(story.children("serving.kserve.io/v1beta1", "InferenceService")) == 1
    assert len(story.children("batch/v1", "Job")) == 1
    wait_until_at_peace(operator, proxy)
    assert process.popen.poll() is None
    assert operator.ask(process, "/healthz") == (200, "ok")


def test_when_nothing_is_answered_it_gives_up_its_lease_and_the_next_one_goes_on(
    operator: Operator, story: Story, proxy: FaultProxy
) -> None:
    process = operator.start()
    story.create()
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")
    with proxy.afflicted(Freeze(which=every)):
        story.finish_training(revision="telco-r1")
        assert process.popen.wait(timeout=60) == 1
    operator.free_lease_of_the_dead()
    operator.start()
    story.wait_for_condition("Progressing", "True", "RolloutInProgress")
    assert len(story.children("batch/v1", "Job")) == 1


def test_a_model_comes_to_serve_though_all_connections_break_again_and_again(
    operator: Operator, story: Story, proxy: FaultProxy
) -> None:
    operator.start()
    story.create()
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")
    assert proxy.cut() > 0
    story.finish_training(revision="telco-r1")
    proxy.cut()
    name = story.bring_up(revision="telco-r1")
    proxy.cut()
    story.wait_for_condition("Ready", "True", "RevisionServing")
    proxy.cut()
    story.wait_until_selected(name)
    assert len(story.children("batch/v1", "Job")) == 1
    assert all(process.popen.poll() is None for process in operator.started)


def test_what_is_deleted_while_no_watch_holds_comes_back(
    operator: Operator, story: Story, proxy: FaultProxy
) -> None:
    operator.start(resync_seconds=2)
    story.serve()
    before = uid_of_service(story)
    with proxy.afflicted(Freeze(which=watches)):
        proxy.cut_watches()
        story.delete(reference("v1", "Service", NAME))
        started = time.monotonic()
        wait_for(lambda: uid_of_service(story) not in (None, before), what="the Service to come back")
        print(f"back after {time.monotonic() - started:.1f} s, without a watch")
    wait_until_at_peace(operator, proxy)
