"""The whole way of an event, with SIGKILL on each program of ours: answered ok means once in Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from churnguard_servers.processes import until
from churnguard_servers.senders import PEOPLE, Senders
from churnguard_streaming_tests.collecting import KEY, Collector
from churnguard_streaming_tests.landings import Landing
from churnguard_streaming_tests.load import EVENTS
from churnguard_streaming_tests.logs import EventLog

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(1800)]

BETWEEN = max(2_000, EVENTS // 5)
PAUSES = [0.1] * 200
"""Nobody gives up."""


def test_every_event_that_was_answered_ok_is_in_postgres_once(
    land: Callable[..., Landing],
    database: Callable[[], str],
    event_log: EventLog,
    rows: Callable[..., list[dict[str, Any]]],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    url = database()
    kafka = {"KAFKA_BOOTSTRAP": event_log.kafka.bootstrap, "KAFKA_TOPIC_PREFIX": event_log.prefix}
    collector = Collector(keys=tmp_path / "keys.json", environment={**environment, **kafka})
    collector.start()
    landings = [land(url, event_log), land(url, event_log)]
    with Senders(port=collector.port, key=KEY, sizes=[50], clients=2, pauses=PAUSES) as load:
        for _ in range(2):
            load.wait_for(BETWEEN)
            collector.kill()
            collector.start()
            load.wait_for(BETWEEN)
            killed = landings.pop(0)
            killed.kill()
            landings.append(land(url, event_log))
        load.wait_for(BETWEEN)
    assert collector.stop() == 0

    def landed() -> int:
        found: int = rows(url, "SELECT count(*) AS n FROM churnguard.events")[0]["n"]
        return found

    until(lambda: landed() >= len(load.acknowledged))
    until(lambda: all(each.problem() is None and each.metric("lag_records") == 0 for each in landings))
    kept = Counter(row["message_id"] for row in rows(url, "SELECT message_id FROM churnguard.events"))
    assert load.acknowledged - kept.keys() == set(), "answered ok, and lost"
    assert kept.keys() - load.sent.keys() == set(), "never sent"
    assert {name for name, times in kept.items() if times > 1} == set(), "kept twice"
    assert rows(url, "SELECT count(DISTINCT subject) AS n FROM churnguard.events")[0]["n"] <= PEOPLE
    print(
        f"{len(load.sent)} sent, {len(load.acknowledged)} answered ok, "
        f"{load.sent.total() - len(load.sent)} sent again, {len(kept)} in Postgres"
    )
    assert [each.stop() for each in landings] == [0, 0]
