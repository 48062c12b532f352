"""Missing, unknown and new: answered with 200 and counted, however many are asked about and whichever model answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Server = Any
PREFIX = "churnguard_predictor"
# 4 fields are missing or null, 2 categories are new, 2 fields are unknown.
ASKED: list[dict[str, Any]] = [
    {"tenure": 3, "monthlyCharges": None, "contract": "Weekly", "paperless": True, "supportCalls": "0"},
    {"tenure": 3, "contract": "Two year", "supportCalls": "many", "plan": "x", "gender": 1},
    {"tenure": 3, "monthlyCharges": 9, "contract": None, "paperless": False, "supportCalls": 1},
]
EXPECTED = {
    (f"{PREFIX}_feature_missing_total", "monthlyCharges"): 2,
    (f"{PREFIX}_feature_missing_total", "contract"): 1,
    (f"{PREFIX}_feature_missing_total", "paperless"): 1,
    (f"{PREFIX}_feature_missing_total", "tenure"): 0,
    (f"{PREFIX}_unknown_categories_total", "contract"): 1,
    (f"{PREFIX}_unknown_categories_total", "supportCalls"): 1,
    (f"{PREFIX}_unknown_categories_total", "paperless"): 0,
    (f"{PREFIX}_unknown_fields_total",): 2,
}


@pytest.fixture(params=["boosting", "logistic", "forest", "svm"])
def one(request: pytest.FixtureRequest, running: Callable[[str], Server]) -> Server:
    return running(request.param)


@pytest.mark.parametrize("times", [1, 10])
def test_gaps_and_news_are_answered_and_counted(one: Server, times: int) -> None:
    before = one.metrics()
    answer = one.post("/v1/models/telco:predict", {"instances": ASKED * times})
    assert answer.status == 200
    after = one.metrics()
    assert {key: after[key] - before[key] for key in EXPECTED} == {
        key: times * count for key, count in EXPECTED.items()
    }


@pytest.mark.parametrize("times", [1, 10])
def test_explanations_count_as_predictions_do(server: Server, times: int) -> None:
    before = server.metrics()
    assert server.post("/v1/models/telco:explain", {"instances": ASKED * times}).status == 200
    after = server.metrics()
    assert {key: after[key] - before[key] for key in EXPECTED} == {
        key: times * count for key, count in EXPECTED.items()
    }


def test_requests_levels_and_scores_are_counted(server: Server) -> None:
    before = server.metrics()
    answers = server.post("/v1/models/telco:predict", {"instances": ASKED}).json["predictions"]
    assert server.post("/v1/models/telco:predict", b"{").status == 400
    tensor = {"name": "tenure", "shape": [1], "datatype": "INT64", "data": [3]}
    assert server.post("/v2/models/telco/infer", {"inputs": [tensor]}).status == 200
    assert server.post("/v1/models/nobody:predict", {"instances": ASKED}).status == 404
    after = server.metrics()

    def grown(*key: str) -> float:
        difference: float = after.get(key, 0) - before.get(key, 0)
        return difference

    assert grown(f"{PREFIX}_requests_total", "200", "v1") == 1
    assert grown(f"{PREFIX}_requests_total", "400", "v1") == 1
    assert grown(f"{PREFIX}_requests_total", "200", "v2") == 1
    assert grown(f"{PREFIX}_requests_total", "404", "none") == 1
    levels = [answer["risk_level"] for answer in answers]
    counted = sum(
        grown(f"{PREFIX}_predictions_total", level, "golden-r1") for level in ("low", "medium", "high")
    )
    assert counted == 4
    assert grown(f"{PREFIX}_predictions_total", levels[0], "golden-r1") >= levels.count(levels[0])
    assert grown(f"{PREFIX}_score_count", "golden-r1") == 4
    assert grown(f"{PREFIX}_request_duration_seconds_count") == 4
    assert after[f"{PREFIX}_inflight_requests",] == 0
    assert after[f"{PREFIX}_model_loaded_timestamp_seconds", "golden-r1"] > 1.7e9


def test_kserves_own_metrics_are_there_too(server: Server) -> None:
    text = server.get("/metrics").body
    for name in (b"request_predict_seconds", b"process_resident_memory_bytes", b"python_info"):
        assert name in text
