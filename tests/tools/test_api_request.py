"""What a request to the API server asks, by its method and target."""

from __future__ import annotations

import pytest
from api_request import ApiRequest, parse_request

JOBS = "/apis/batch/v1/namespaces/shop/jobs"
MODEL = "/apis/churnguard.dev/v1alpha1/namespaces/shop/churnmodels/telco"


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", JOBS, ApiRequest(verb="list", resource="jobs", namespace="shop")),
        ("GET", f"{JOBS}?watch=true", ApiRequest(verb="watch", resource="jobs", namespace="shop")),
        ("GET", f"{JOBS}/a", ApiRequest(verb="get", resource="jobs", namespace="shop", name="a")),
        ("GET", "/api/v1/pods?limit=500", ApiRequest(verb="list", resource="pods")),
        ("GET", "/apis/batch/v1", ApiRequest(verb="get")),
        ("GET", "/api/v1/namespaces/shop", ApiRequest(verb="get", resource="namespaces", name="shop")),
        ("POST", JOBS, ApiRequest(verb="create", resource="jobs", namespace="shop")),
        (
            "PATCH",
            f"{MODEL}/status?force=true",
            ApiRequest(verb="patch", resource="churnmodels/status", namespace="shop", name="telco"),
        ),
        ("DELETE", f"{JOBS}/a", ApiRequest(verb="delete", resource="jobs", namespace="shop", name="a")),
    ],
)
def test_a_request_is_read_as_rbac_reads_it(method: str, target: str, expected: ApiRequest) -> None:
    assert parse_request(method, target) == expected


def test_a_lease_is_no_change_of_the_world() -> None:
    lease = parse_request("PUT", "/apis/coordination.k8s.io/v1/namespaces/shop/leases/operator")
    assert lease.verb == "update"
    assert not lease.is_write
