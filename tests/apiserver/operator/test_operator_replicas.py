"""Replicas of the operator: one works, another takes over, and all end in order."""

from __future__ import annotations

import signal

import pytest
from operator_rig import Operator
from operator_story import Story

from churnguard_cluster.process import Process
from churnguard_cluster.waiting import wait_for

pytestmark = [pytest.mark.apiserver, pytest.mark.slow]


def wait_until_ready(operator: Operator, process: Process) -> None:
    process.wait_until(lambda: operator.ask(process, "/readyz")[0] == 200)


def wait_until_leads(operator: Operator, process: Process) -> None:
    process.wait_until(lambda: operator.metric(process, "churnguard_operator_leader") == 1)


def test_it_is_healthy_while_it_works_and_says_so(operator: Operator) -> None:
    process = operator.start()
    wait_until_ready(operator, process)
    wait_until_leads(operator, process)
    assert operator.ask(process, "/healthz") == (200, "ok")


def test_a_signal_ends_it_in_order_and_releases_the_lease(operator: Operator) -> None:
    process = operator.start()
    wait_until_leads(operator, process)
    process.signal(signal.SIGTERM)
    assert process.popen.wait(timeout=60) == 0
    assert operator.holder() == ""


def test_the_second_replica_waits_and_takes_over_when_the_first_ends(
    operator: Operator, story: Story
) -> None:
    first = operator.start()
    wait_until_leads(operator, first)
    second = operator.start()
    wait_until_ready(operator, second)
    assert operator.metric(second, "churnguard_operator_leader") == 0
    first.stop()
    wait_until_leads(operator, second)
    story.create()
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")


def test_the_second_replica_takes_over_when_the_first_is_killed(operator: Operator, story: Story) -> None:
    first = operator.start()
    wait_until_leads(operator, first)
    second = operator.start()
    wait_until_ready(operator, second)
    story.create()
    story.wait_for_object("batch/v1", "Job", "telco-r1-train")
    first.kill()
    story.finish_training(revision="telco-r1")
    wait_until_leads(operator, second)
    story.bring_up(revision="telco-r1")
    story.wait_for_condition("Ready", "True", "RevisionServing")


def test_a_replica_whose_lease_was_taken_ends_so_that_it_starts_anew(operator: Operator) -> None:
    process = operator.start()
    wait_until_leads(operator, process)
    operator.give_lease_to("somebody-else")
    assert process.popen.wait(timeout=60) == 1
    wait_for(lambda: operator.holder() == "somebody-else", what="the lease to stay where it is")
