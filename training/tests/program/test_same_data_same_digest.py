"""Same data, spec and seed: same digest, whatever the machine lends to a run."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def before(boosted: Any) -> dict[str, bytes]:
    """The files of the first bundle, as they were when it was alone."""
    return dict(boosted.bundle)


@pytest.fixture(scope="module")
def again(start: Any, spec: Any, linear_spec: Any, boosted: Any, before: Any) -> Any:
    """Both at once and with more threads, one into the store that has its bundle, the other without a champion."""
    running = (
        start(spec(), store=boosted.store, OMP_NUM_THREADS="2"),
        start(linear_spec, OMP_NUM_THREADS="2"),
    )
    return [run.finish() for run in running]


def test_a_second_run_with_more_threads_gives_the_same_digest(again: Any, boosted: Any, linear: Any) -> None:
    for first, second in zip((boosted, linear), again, strict=True):
        assert second.code == 0, second.err
        assert second.result.bundle.digest == first.result.bundle.digest
        assert second.result.metrics == first.result.metrics


def test_a_champion_is_compared_with_and_not_learnt_from(again: Any, linear: Any) -> None:
    _, alone = again
    assert linear.result.champion
    assert not alone.result.champion
    assert alone.result.bundle.digest == linear.result.bundle.digest


def test_a_retried_run_finds_its_own_bundle_and_leaves_it_as_it_is(
    again: Any, boosted: Any, before: dict[str, bytes]
) -> None:
    retried, _ = again
    assert retried.result.bundle == boosted.result.bundle
    assert retried.bundle == before
