"""What makes a training worth repeating."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from churnguard_cli import fingerprints
from churnguard_cli.fingerprints import can_see, fingerprint_of
from churnguard_cli.memory import FILE_NAME, Trained, remember, remembered, reusable
from churnguard_cli.store import Stored
from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.types import ChurnModel, Metadata

SIMULATED = {"simulator": {"rows": 2000}}


def model_with(*, source: dict[str, Any] | None = None, **spec: Any) -> ChurnModel:
    data = {"source": source or SIMULATED, "columns": {"label": {"name": "Churn"}}}
    return parse_churnmodel(
        {
            "apiVersion": "churnguard.dev/v1alpha1",
            "kind": "ChurnModel",
            "metadata": {"name": "telco"},
            "spec": {"data": data, **spec},
        }
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"serving": {"levels": {"medium": "0.2", "high": "0.9"}}},
        {"serving": {"replicas": {"min": 2, "max": 4}}},
        {"history": {"revisions": 2}},
        {"suspend": True},
        {"store": {"uri": "pvc://bundles/here"}},
        {"training": {"schedule": {"cron": "0 3 * * 1"}}},
        {"training": {"deadlineSeconds": 60, "retries": 0, "resources": {"cpu": "2"}}},
        {"training": {"seed": 7}},
    ],
)
def test_what_does_not_change_the_model_keeps_its_fingerprint(spec: dict[str, Any]) -> None:
    assert fingerprint_of(model_with(**spec)) == fingerprint_of(model_with())


@pytest.mark.parametrize(
    "spec",
    [
        {"training": {"seed": 8}},
        {"training": {"algorithms": ["LogisticRegression"]}},
        {"training": {"search": {"trials": 1}}},
        {"training": {"balancing": "SMOTE"}},
        {"gates": [{"metric": "rocAuc", "min": "0.8"}]},
        {"source": {"simulator": {"rows": 2001}}},
        {"source": {"simulator": {"rows": 2000, "seed": 8}}},
    ],
)
def test_what_changes_the_model_or_its_verdict_changes_the_fingerprint(spec: dict[str, Any]) -> None:
    assert fingerprint_of(model_with(**spec)) != fingerprint_of(model_with())


def test_columns_change_the_fingerprint() -> None:
    model = parse_churnmodel(
        {
            "apiVersion": "churnguard.dev/v1alpha1",
            "kind": "ChurnModel",
            "metadata": {"name": "telco"},
            "spec": {
                "data": {"source": SIMULATED, "columns": {"label": {"name": "Churn"}, "id": "customerID"}}
            },
        }
    )
    assert fingerprint_of(model) != fingerprint_of(model_with())


def of_file(path: Path) -> str | None:
    return fingerprint_of(model_with(source={"file": {"uri": path.as_uri()}}))


def test_a_files_content_counts_and_its_place_does_not(tmp_path: Path) -> None:
    first, moved, other = tmp_path / "a b.csv", tmp_path / "2026.v2" / "c.csv", tmp_path / "d.csv"
    moved.parent.mkdir()
    for path in (first, moved):
        path.write_text("a,Churn\n1,Yes\n")
    other.write_text("a,Churn\n2,Yes\n")
    assert of_file(first) == of_file(moved) is not None
    assert of_file(first) != of_file(other)


def test_how_a_content_is_read_counts(tmp_path: Path) -> None:
    content = gzip.compress(b"a,Churn\n1,Yes\n", mtime=0)
    for name in ("a.csv", "a.csv.gz", "a.parquet"):
        (tmp_path / name).write_bytes(content)
    assert len({of_file(path) for path in tmp_path.iterdir()}) == 3


def test_a_program_of_another_version_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint_of(model_with())
    monkeypatch.setattr(fingerprints, "version", lambda name: f"{name} of tomorrow")
    assert fingerprint_of(model_with()) != before


def test_code_that_learns_and_is_worked_on_changes_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "somebodys_package" / "learn.py"
    module.parent.mkdir()
    (module.parent / "__init__.py").touch()
    module.write_text("rate = 1")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(fingerprints, "OURS", ("somebodys_package", "not_installed"))
    before = fingerprint_of(model_with())
    assert fingerprint_of(model_with()) == before
    module.write_text("rate = 2")
    assert fingerprint_of(model_with()) != before


@pytest.mark.parametrize(
    "source",
    [
        {"file": {"uri": "s3://customers/telco.csv"}},
        {"file": {"uri": "pvc://customers/telco.csv"}},
        {"postgres": {"secretName": "warehouse", "query": "SELECT 1"}},
    ],
)
def test_what_lies_elsewhere_may_change_unseen(source: dict[str, Any]) -> None:
    model = model_with(source=source)
    assert fingerprint_of(model) is None
    assert not can_see(model.spec.data.source)


def test_a_file_that_cannot_be_read_has_no_fingerprint(tmp_path: Path) -> None:
    assert of_file(tmp_path / "none.csv") is None


TELCO = Metadata(name="telco")


def stored(number: int, *, may_serve: bool = True, digest: str | None = None) -> Stored:
    path = Path(f"/store/default/telco/telco-r{number}-0123456789ab")
    return Stored(path=path, number=number, digest=digest or f"sha256:{number}", may_serve=may_serve)


def training_of(bundle: Stored, *, champion: Stored | None = None, fingerprint: str = "f") -> Trained:
    return Trained(
        fingerprint=fingerprint,
        bundle=bundle.path.name,
        digest=bundle.digest,
        champion=champion.digest if champion else None,
    )


ONE, TWO, FAILED_TWO, THREE = stored(1), stored(2), stored(2, may_serve=False), stored(3)


@pytest.mark.parametrize(
    ("trainings", "bundles", "champion", "reused"),
    [
        ([], [ONE], ONE, None),
        ([training_of(ONE)], [ONE], ONE, ONE),
        ([training_of(ONE, fingerprint="other")], [ONE], ONE, None),
        ([training_of(ONE)], [], None, None),
        ([training_of(ONE)], [stored(1, digest="sha256:changed")], ONE, None),
        # Its gates would be judged against another champion now.
        ([training_of(ONE)], [ONE, TWO], TWO, None),
        ([training_of(FAILED_TWO, champion=ONE)], [ONE, FAILED_TWO], ONE, FAILED_TWO),
        ([training_of(FAILED_TWO)], [FAILED_TWO], None, FAILED_TWO),
        ([training_of(FAILED_TWO, champion=ONE)], [ONE, FAILED_TWO, THREE], THREE, None),
        # The same model, trained twice: the champion is the newer one.
        ([training_of(ONE), training_of(TWO, champion=ONE)], [ONE, TWO], TWO, TWO),
    ],
)
def test_a_training_is_not_repeated_when_nothing_could_come_out_differently(
    trainings: list[Trained], bundles: list[Stored], champion: Stored | None, reused: Stored | None
) -> None:
    assert reusable(trainings, fingerprint="f", stored=bundles, champion=champion) == reused


def test_trainings_are_remembered_in_their_order_and_the_oldest_forgotten(tmp_path: Path) -> None:
    (tmp_path / "default" / "telco").mkdir(parents=True)
    for number in range(1, 61):
        remember(tmp_path, TELCO, training_of(stored(number)))
    found = remembered(tmp_path, TELCO)
    assert [trained.digest for trained in found] == [f"sha256:{number}" for number in range(11, 61)]
    assert [path.name for path in (tmp_path / "default" / "telco").iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"trained": 1}', b"[" * 100_000])
def test_a_memory_that_cannot_be_read_is_empty(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "default" / "telco"
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_bytes(content)
    assert remembered(tmp_path, TELCO) == ()


def test_what_cannot_be_remembered_is_forgotten(tmp_path: Path) -> None:
    remember(tmp_path / "none", TELCO, training_of(ONE))
    assert remembered(tmp_path / "none", TELCO) == ()
