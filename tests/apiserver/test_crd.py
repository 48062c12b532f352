"""The CRD on a real API server: it installs, takes our samples, fills in defaults and prints its columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
import yaml

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.names import API_VERSION, KIND, VERSION

pytestmark = pytest.mark.apiserver

Document: TypeAlias = dict[str, Any]

SAMPLES: Final = sorted((Path(__file__).parents[2] / "manifests" / "samples").glob("*.yaml"))
TABLE: Final = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
MERGE_PATCH: Final = "application/merge-patch+json"


def smallest() -> Document:
    """The smallest valid ChurnModel."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "telco"},
        "spec": {"data": {"source": {"simulator": {}}, "columns": {"label": {"name": "Churn"}}}},
    }


def table(churn_models: Any) -> Document:
    """What ``kubectl get`` is given to print."""
    answer: Document = churn_models.api.list_namespaced_custom_object(**churn_models.place, _headers=TABLE)
    return answer


def test_the_crd_is_established_and_structural(crd: Document) -> None:
    found = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
    assert found == {"NamesAccepted": "True", "Established": "True"}
    assert crd["status"]["storedVersions"] == [VERSION]


def test_there_are_samples() -> None:
    assert SAMPLES


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_a_sample_is_accepted_and_means_the_same_to_server_and_parser(file: Path, churn_models: Any) -> None:
    document = yaml.safe_load(file.read_text())
    assert parse_churnmodel(churn_models.judge(document)).spec == parse_churnmodel(document).spec


def test_defaults_are_filled_in(churn_models: Any) -> None:
    spec = churn_models.judge(smallest())["spec"]
    assert spec["data"]["source"]["simulator"] == {"rows": 7043, "seed": 7}
    assert spec["data"]["columns"]["label"]["positive"] == "Yes"
    training = spec["training"]
    assert (training["seed"], training["retries"], training["deadlineSeconds"]) == (7, 2, 3600)
    assert training["algorithms"] == ["XGBoost", "LogisticRegression"]
    assert (training["balancing"], training["search"]) == ("None", {"trials": 20})
    serving = spec["serving"]
    assert serving["replicas"]["min"] == 1
    assert serving["levels"] == {"medium": "0.30", "high": "0.60"}
    assert serving["autoscaling"] == {"metric": "cpu", "target": 70}
    assert (spec["history"], spec["suspend"]) == ({"revisions": 5}, False)


COLUMNS: Final = ["NAME", "READY", "REASON", "REVISION", "AUC", "URL", "AGE"]
WIDE_COLUMNS: Final = ["PROGRESSING", "ALGORITHM", "LAST TRAINED", "NEXT TRAINING"]


def test_a_listing_shows_the_columns_that_matter_and_wide_adds_the_rest(churn_models: Any) -> None:
    columns = table(churn_models)["columnDefinitions"]
    assert [each["name"].upper() for each in columns if each["priority"] == 0] == COLUMNS
    assert [each["name"].upper() for each in columns if each["priority"] == 1] == WIDE_COLUMNS


def test_every_column_finds_its_value_in_status(churn_models: Any) -> None:
    condition = {"message": "", "observedGeneration": 1, "lastTransitionTime": "2026-01-05T03:00:00Z"}
    status = {
        "observedGeneration": 1,
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "RevisionServing", **condition},
            {"type": "Progressing", "status": "False", "reason": "UpToDate", **condition},
        ],
        "url": "http://telco.default.svc",
        "serving": {"revision": "telco-r7", "algorithm": "XGBoost", "trained": "2026-01-05T03:00:00Z"},
        "metrics": {"rocAuc": "0.843"},
        "nextTrainingTime": "2026-01-12T03:00:00Z",
    }
    churn_models.api.create_namespaced_custom_object(**churn_models.place, body=smallest())
    try:
        churn_models.api.patch_namespaced_custom_object_status(
            **churn_models.place, name="telco", body={"status": status}, _content_type=MERGE_PATCH
        )
        listing = table(churn_models)
    finally:
        churn_models.api.delete_namespaced_custom_object(**churn_models.place, name="telco")
    names = [each["name"].upper() for each in listing["columnDefinitions"]]
    (row,) = listing["rows"]
    shown = dict(zip(names, row["cells"], strict=True))
    assert None not in shown.values()
    assert {name: shown[name] for name in ("NAME", "READY", "REASON", "REVISION", "AUC", "URL")} == {
        "NAME": "telco",
        "READY": "True",
        "REASON": "RevisionServing",
        "REVISION": "telco-r7",
        "AUC": "0.843",
        "URL": "http://telco.default.svc",
    }
    assert (shown["PROGRESSING"], shown["ALGORITHM"]) == ("UpToDate", "XGBoost")
    assert shown["NEXT TRAINING"] == "2026-01-12T03:00:00Z"
