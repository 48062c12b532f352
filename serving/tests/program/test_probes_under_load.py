"""Probes while large batches run. The one assertion on time in this component: the issue demands it."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import pytest

Server = Any
BATCHES = 40


def ask_small(server: Server, times: dict[str, list[float]]) -> None:
    for what, method, path, body in (
        ("probe", "GET", "/v2/health/ready", None),
        ("small request", "POST", "/v1/models/telco:predict", {"instances": [{"tenure": 1}]}),
    ):
        begun = perf_counter()
        status = server.ask(method, path, body).status
        times[what].append(perf_counter() - begun)
        assert status == 200


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_probes_and_small_requests_go_on_while_batches_of_10_000_rows_run(
    verb: str, server: Server, complete_customers: Callable[..., list[dict[str, Any]]]
) -> None:
    batch = json.dumps({"instances": complete_customers(10_000)}).encode()
    most = BATCHES if verb == "predict" else BATCHES // 4

    def ask_for_batches() -> list[int]:
        return [server.post(f"/v1/models/telco:{verb}", batch).status for _ in range(most // 2)]

    times: dict[str, list[float]] = {"probe": [], "small request": []}
    assert server.port, "is ready"
    with ThreadPoolExecutor(2) as pool:
        callers = [pool.submit(ask_for_batches) for _ in range(2)]
        while not all(caller.done() for caller in callers):
            ask_small(server, times)
    assert [caller.result() for caller in callers] == [[200] * (most // 2)] * 2
    for what, seconds in times.items():
        percentile = quantiles(seconds, n=20)[-1]
        print(
            f"{verb}: {len(seconds)} x {what}: median {median(seconds) * 1e3:.1f} ms, "
            f"95 % {percentile * 1e3:.1f} ms, longest {max(seconds) * 1e3:.1f} ms"
        )
        assert percentile < 0.1
