"""What the storage cannot do is refused for what it was needed for, in the storage's own words."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_storage import MANIFEST, Credentials, StorageError, open_store
from churnguard_training.errors import Reason, Refused
from churnguard_training.refusing import refusing
from churnguard_training.reporting import Reporter
from churnguard_training.run import Request, run

MODEL = "retention/telco"


def attempt(
    tmp_path: Path,
    *,
    source: str = "file:///nowhere/customers.csv",
    output: str | None = None,
    champion: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Refused:
    """What a run is refused with; whatever is not given here is at fault in the source."""
    document: dict[str, Any] = {
        "apiVersion": "churnguard.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": {"name": "telco", "namespace": "retention"},
        "spec": {
            "data": {"source": {"file": {"uri": source}}, "columns": {"label": {"name": "Churn"}}},
        },
    }
    request = Request(
        model=parse_churnmodel(document),
        revision="telco-r2",
        output=output or (tmp_path / "store").as_uri(),
        champion=champion,
    )
    with pytest.raises(Refused) as caught:
        run(request, reporter=Reporter(io.BytesIO()), environ=environ or {})
    return caught.value


@pytest.mark.parametrize(
    ("given", "reason", "said"),
    [
        ({}, "SourceUnreadable", "there is no file file:///nowhere/customers.csv"),
        (
            {"source": "pvc://nowhere/customers.csv"},
            "SourceUnreadable",
            "the claim of pvc://nowhere/customers.csv is not mounted",
        ),
        (
            {"environ": {"CHURNGUARD_SOURCE_ACCESS_KEY": "x"}},
            "SourceUnreadable",
            "the source's secret has only one of the keys accessKey and secretKey",
        ),
        (
            {"output": "pvc://nowhere/bundles"},
            "StoreUnreachable",
            "the claim of pvc://nowhere/bundles is not mounted",
        ),
        (
            {"environ": {"CHURNGUARD_STORE_SECRET_KEY": "x"}},
            "StoreUnreachable",
            "the store's secret has only one of the keys accessKey and secretKey",
        ),
        (
            {"champion": "file:///nowhere/telco-r1"},
            "StoreUnreachable",
            "there is no bundle at file:///nowhere/telco-r1",
        ),
    ],
)
def test_a_run_is_refused_for_what_was_asked_of_the_storage(
    tmp_path: Path, given: dict[str, Any], reason: Reason, said: str
) -> None:
    refused = attempt(tmp_path, **given)
    assert (refused.reason, refused.problems) == (reason, (said,))


def test_a_champion_that_is_there_and_no_bundle_is_told_apart_from_one_that_is_not(tmp_path: Path) -> None:
    store = open_store((tmp_path / "champions").as_uri(), credentials=Credentials())
    uri = store.put(f"{MODEL}/telco-r1-0a1b2c3d4e5f", {MANIFEST: b"{}"})
    refused = attempt(tmp_path, champion=uri)
    assert refused.reason == "ChampionUnreadable"
    assert refused.message.startswith("champion bundle: ")


@pytest.mark.parametrize("reason", ["SourceUnreadable", "StoreUnreachable", "ChampionUnreadable"])
def test_the_words_stay_the_storages_and_no_cause_shows(reason: Reason) -> None:
    error = StorageError(["key uri is no text", "key endpoint is too long"], hint="mend the Secret")
    with pytest.raises(Refused) as caught, refusing(reason):
        raise error
    assert caught.value.reason == reason
    assert caught.value.message == str(error)
    assert caught.value.__suppress_context__


def test_of_two_reasons_around_a_call_the_inner_one_is_given() -> None:
    with pytest.raises(Refused) as caught, refusing("StoreUnreachable"), refusing("SourceUnreadable"):
        raise StorageError(["no"])
    assert caught.value.reason == "SourceUnreadable"
