"""What is changed in KServe's own manifests, and that the rest stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from churnguard_cluster import kserve
from churnguard_cluster.fixtures import or_skip
from churnguard_cluster.tools import source

URL = "https://10.250.0.1:9443"


@pytest.fixture
def config() -> Path:
    return or_skip(lambda: source("kserve")) / "config"


def test_every_webhook_is_called_by_url_and_trusts_our_authority(config: Path, tmp_path: Path) -> None:
    authority = tmp_path / "ca.crt"
    authority.write_text("a certificate")
    documents = list(kserve.webhooks(config / "webhook" / "manifests.yaml", url=URL, authority=authority))
    clients = [each["clientConfig"] for document in documents for each in document["webhooks"]]
    assert len(clients) == 7
    assert all(each["url"].startswith(f"{URL}/") for each in clients)
    assert {each["caBundle"] for each in clients} == {"YSBjZXJ0aWZpY2F0ZQ=="}
    assert f"{URL}/mutate-pods" in [each["url"] for each in clients]
    assert not any("service" in each for each in clients)


def test_configuration_is_kserves_but_for_what_we_decide(config: Path) -> None:
    (shipped,) = kserve.read(config / "configmap" / "inferenceservice.yaml")
    data = kserve.configured(shipped)["data"]
    assert data.keys() == shipped["data"].keys() - {"_example"}
    ingress = json.loads(data["ingress"])
    assert ingress["disableIngressCreation"] is True
    assert ingress["ingressGateway"] == json.loads(shipped["data"]["ingress"])["ingressGateway"]
    assert json.loads(data["deploy"]) == {"defaultDeploymentMode": "Standard"}
    assert data["agent"] == shipped["data"]["agent"]


def test_bindings_give_the_roles_to_the_account_in_kserves_namespace(config: Path) -> None:
    (binding,) = kserve.read(config / "rbac" / "role_binding.yaml")
    assert kserve.bound(binding)["subjects"] == [
        {"kind": "ServiceAccount", "name": kserve.ACCOUNT, "namespace": kserve.NAMESPACE}
    ]
    (role,) = kserve.read(config / "rbac" / "role.yaml")
    assert kserve.bound(role) == role
