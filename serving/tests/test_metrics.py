from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.features import BooleanFeature, CategoricalFeature, NumericFeature
from churnguard_scoring.reader import columns_from_records
from churnguard_serving.metrics import LATENCY_BOUNDS, MOST_FEATURES, PredictorMetrics
from churnguard_serving.predictor import Prediction

Samples = dict[tuple[str, ...], float]
FEATURES = (
    NumericFeature(name="tenure", minimum=0, maximum=72),
    CategoricalFeature(name="contract", categories=("One year", "Two year")),
    BooleanFeature(name="paperless"),
)
values = {
    "tenure": st.none() | st.integers(0, 9),
    "contract": st.none() | st.sampled_from(["One year", "Two year", "Weekly", ""]),
    "paperless": st.none() | st.booleans() | st.sampled_from(["true", "maybe"]),
    "shoeSize": st.none() | st.integers(),
    "plan": st.text(max_size=2),
}
records = st.lists(st.fixed_dictionaries({}, optional=values), max_size=6)


def metrics() -> PredictorMetrics:
    return PredictorMetrics(model="telco", revision="telco-r1", features=FEATURES)


def samples(of: PredictorMetrics) -> Samples:
    """(name without prefix, values of its labels) to value."""
    return {
        (sample.name.removeprefix("churnguard_predictor_"), *sample.labels.values()): sample.value
        for family in of.collect()
        for sample in family.samples
    }


@given(records)
def test_missing_and_unknown_fields_are_counted_alike_for_records_and_tables(
    asked: list[dict[str, Any]],
) -> None:
    one_by_one, as_table = metrics(), metrics()
    one_by_one.count_records(asked)
    as_table.count_table(columns_from_records(FEATURES, asked), asked)
    found, other = samples(one_by_one), samples(as_table)
    for key in found:
        if key[0] in ("feature_missing_total", "unknown_fields_total"):
            assert found[key] == other[key], key
    for feature in FEATURES:
        missing = sum(record.get(feature.name) is None for record in asked)
        assert found["feature_missing_total", "telco", feature.name] == missing
    unknown = sum(name in record for record in asked for name in ("shoeSize", "plan"))
    assert found["unknown_fields_total", "telco"] == unknown


@pytest.mark.parametrize("kind", ["boosting", "logistic", "forest", "svm"])
def test_a_service_counts_the_same_customers_alike_one_by_one_and_together(
    kind: str, service: Callable[..., Any], customers: Any
) -> None:
    asked = customers(700, seed=4)
    together, few, alone = service(kind), service(kind), service(kind)
    together.predict(asked)
    for start in range(0, 700, 10):
        few.predict(asked[start : start + 10])
    for customer in asked:
        alone.predict([customer])
    expected = samples(together.metrics)
    unseen = sum(value for key, value in expected.items() if key[0] == "unknown_categories_total")
    assert unseen > 100
    for other in (few, alone):
        assert samples(other.metrics) == pytest.approx(expected, rel=1e-9)


def test_explanations_count_like_predictions(service: Callable[..., Any], customers: Any) -> None:
    asked = customers(40, seed=4)
    predicted, explained = service("boosting"), service("boosting")
    for count in (3, 37):
        predicted.predict(asked[-count:])
        explained.explain(asked[-count:])
    assert samples(explained.metrics) == pytest.approx(samples(predicted.metrics), rel=1e-9)


def test_features_beyond_the_first_fifty_are_counted_together() -> None:
    features = [NumericFeature(name=f"f{n}", minimum=0, maximum=1) for n in range(MOST_FEATURES + 7)]
    of_many = PredictorMetrics(model="telco", revision="telco-r1", features=features)
    of_many.count_records([{}, {}])
    of_many.unseen("f55")
    found = samples(of_many)
    labels = [key[2] for key in found if key[0] == "feature_missing_total"]
    assert labels == [*(f"f{n}" for n in range(MOST_FEATURES)), "other"]
    assert found["feature_missing_total", "telco", "f0"] == 2
    assert found["feature_missing_total", "telco", "other"] == 14
    assert found["unknown_categories_total", "telco", "other"] == 1


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_scores_fall_into_the_same_buckets_alone_and_together(scores: list[float]) -> None:
    alone, together = metrics(), metrics()
    answers = [Prediction(score, "low") for score in scores]
    for answer in answers:
        alone.count_answers([answer])
    together.count_answers(answers)
    assert samples(alone) == pytest.approx(samples(together))
    assert samples(together)["score_count", "telco", "telco-r1"] == len(scores)
    assert samples(together)["score_bucket", "telco", "telco-r1", "0.5"] == sum(s <= 0.5 for s in scores)


def test_requests_are_counted_by_protocol_and_code_and_timed() -> None:
    counted = metrics()
    for protocol, code, seconds in (("v1", 200, 0.001), ("v1", 200, 0.3), ("v2", 400, 9.0)):
        counted.answered(protocol=protocol, code=code, seconds=seconds)
    found = samples(counted)
    assert found["requests_total", "telco", "v1", "200"] == 2
    assert found["requests_total", "telco", "v2", "400"] == 1
    assert found["request_duration_seconds_count", "telco"] == 3
    assert found["request_duration_seconds_sum", "telco"] == pytest.approx(9.301)
    buckets = [found["request_duration_seconds_bucket", "telco", str(bound)] for bound in LATENCY_BOUNDS]
    assert buckets == [1 if bound < 0.3 else 2 for bound in LATENCY_BOUNDS]
    assert found["request_duration_seconds_bucket", "telco", "+Inf"] == 3


def test_everything_is_exposed_before_the_first_request() -> None:
    found = samples(metrics())
    for level in ("low", "medium", "high"):
        assert found["predictions_total", "telco", "telco-r1", level] == 0
    assert found["feature_missing_total", "telco", "contract"] == 0
    assert found["inflight_requests", "telco"] == 0
