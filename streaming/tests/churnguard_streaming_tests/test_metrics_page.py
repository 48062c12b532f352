"""Every metric is on the page for operators, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from churnguard_streaming.landing.metrics import PREFIX, Metrics

PAGE = Path(__file__).resolve().parents[3] / "docs" / "landing.md"


def test_the_page_names_every_metric() -> None:
    metrics = Metrics(version="1")
    metrics.watch_lags(lambda: {0: 1})
    families = list(text_string_to_metric_families(metrics.page().decode()))
    exported = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    # The program leaves out when each began.
    exported = {name for name in exported if not name.endswith("_created")}
    (table,) = re.findall(rf"\| `{PREFIX}_` \|.*?\n\n", PAGE.read_text(), flags=re.DOTALL)
    named = re.findall(
        r"`([a-z_]+)(?:\{[a-z]+\})?`", "".join(row.split("|")[1] for row in table.strip().splitlines()[2:])
    )
    assert sorted(f"{PREFIX}_{name}" for name in named) == sorted(exported)
