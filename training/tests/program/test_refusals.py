"""What the author of a ChurnModel can mend is refused: exit code 2, the reason, one screen of text, nothing stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from churnguard_core.bundle import (
    EVALUATION_NAME,
    MANIFEST_NAME,
    content_digest,
    encode_manifest,
    file_digest,
    verify_bundle,
)
from churnguard_storage import Credentials, open_store

pytestmark = pytest.mark.slow

SCREEN_LINES, SCREEN_COLUMNS = 24, 120
NO_DIGEST = f"sha256:{'0' * 64}"


def assert_refused(finished: Any, *, reason: str, said: tuple[str, ...], revision: str = "telco-r1") -> None:
    assert finished.code == 2, finished.err
    result = finished.result
    assert (result.verdict, result.reason, result.bundle) == ("Refused", reason, None)
    assert result.revision == revision
    assert finished.result_file.read_bytes() == finished.lines[-1]
    assert finished.err == result.message + "\n"
    assert finished.progress == () or finished.progress[-1].stage in ("read", "check")
    shown = sum(math.ceil(len(line) / SCREEN_COLUMNS) for line in result.message.splitlines())
    assert shown <= SCREEN_LINES
    assert "Traceback" not in finished.err
    assert [text for text in said if text not in result.message] == []
    assert not finished.store.exists()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A change to a ChurnModel, or a file that takes the place of the customers, and what is said about it."""

    name: str
    reason: str
    said: tuple[str, ...]
    spec: Callable[[dict[str, Any]], object] = lambda _: None
    file: Callable[[str], str] | None = None


def _wrong_in_many_places(spec: dict[str, Any]) -> None:
    spec["trainig"] = {}
    spec["data"]["columns"]["label"] = {"positive": 1}
    spec["data"]["source"]["file"]["uri"] = "customers.csv"
    spec["training"]["search"]["trials"] = "many"
    spec["training"]["algorithms"] = ["XGBoost", "Oracle"]
    spec["gates"] = [{"metric": "rocAuc", "min": 0.8}, {"metric": "rocAuc"}]
    spec["history"] = {"revisions": 0}


CASES = (
    Case(
        name="unknown fields and wrong types, all at once and by their paths",
        spec=_wrong_in_many_places,
        reason="InvalidSpec",
        said=(
            "telco.json: spec.trainig: ",
            "telco.json: spec.data.columns.label.name: ",
            "telco.json: spec.data.columns.label.positive: ",
            "telco.json: spec.data.source.file.uri: ",
            "telco.json: spec.training.search.trials: ",
            "telco.json: spec.training.algorithms[1]: ",
            "telco.json: spec.gates[0].min: ",
            "telco.json: spec.gates[1]: ",
            "telco.json: spec.history.revisions: ",
        ),
    ),
    Case(
        name="a label column that is not there",
        spec=lambda spec: spec["data"]["columns"]["label"].update(name="Left"),
        reason="InvalidData",
        said=("columns.label.name: there is no column 'Left'", "Churn", "hint: "),
    ),
    Case(
        name="too few rows",
        file=lambda text: "".join(text.splitlines(keepends=True)[:1000]),
        reason="TooFewRows",
        said=("999 rows", "at least 1,000 rows", "allow.fewRows"),
    ),
    Case(
        name="no rows",
        file=lambda text: text.partition("\n")[0] + "\n",
        reason="MalformedData",
        said=("customers.csv: has a header and no rows", "hint: "),
    ),
    Case(
        name="an empty file",
        file=lambda _: "",
        reason="MalformedData",
        said=("customers.csv: ", "empty", "hint: "),
    ),
    Case(
        name="rows of another width",
        file=lambda text: text.replace(",Month-to-month,", ",", 1),
        reason="MalformedData",
        said=("customers.csv: ", "hint: "),
    ),
    Case(
        name="a file that is not there",
        spec=lambda spec: spec["data"]["source"]["file"].update(uri="file:///nowhere/customers.csv"),
        reason="SourceUnreadable",
        said=("there is no file file:///nowhere/customers.csv", "hint: ", "spec.data.source.file.uri"),
    ),
    Case(
        name="a query without a connection",
        spec=lambda spec: spec["data"].update(
            source={"postgres": {"secretName": "warehouse", "query": "select 1"}}
        ),
        reason="SourceUnreadable",
        said=("spec.data.source.postgres", "hint: ", "CHURNGUARD_SOURCE_URI"),
    ),
    Case(
        name="a support-vector machine on more rows than it can take",
        spec=lambda spec: (
            spec["data"].update(source={"simulator": {"rows": 10_001}}),
            spec["training"].update(algorithms=["LogisticRegression", "SVM"]),
        ),
        reason="InvalidSpec",
        said=("spec.training.algorithms: SVM takes at most 10,000 rows, there are 10,001", "hint: "),
    ),
)


@pytest.fixture(scope="module")
def leaky(with_column: Any) -> Any:
    """Who left has a fee for closing the account, but for one in fifty."""
    return with_column("closingFee", lambda row, left: 10 * (left if row % 50 else not left) + row % 3)


@pytest.fixture(scope="module")
def foreign_champion(boosted: Any, tmp_path_factory: Any) -> str:
    """A bundle whose digests are right and whose evaluation is somebody else's."""
    files = {**boosted.bundle, EVALUATION_NAME: b"{}"}
    written = verify_bundle(boosted.bundle)
    digests = {**written.content.files, EVALUATION_NAME: file_digest(b"{}")}
    content = replace(written.content, files=digests)
    manifest = replace(written, content=content, digest=content_digest(content))
    root = tmp_path_factory.mktemp("champions").as_uri()
    path = f"retention/telco/telco-r1-{'0' * 12}"
    return open_store(root, credentials=Credentials()).put(
        path, {**files, MANIFEST_NAME: encode_manifest(manifest)}
    )


@pytest.fixture(scope="module")
def outcomes(
    train: Any,
    spec: Any,
    customers: Any,
    leaky: Any,
    boosted: Any,
    foreign_champion: str,
    tmp_path_factory: Any,
) -> Iterator[dict[str, Future[Any]]]:
    """The run of every case and of every test below, two at once."""

    def run(case: Case) -> Any:
        file = customers
        if case.file is not None:
            file = tmp_path_factory.mktemp("spoilt") / "customers.csv"
            file.write_text(case.file(customers.read_text()))
        model = spec(file=file)
        case.spec(model["spec"])
        return train(model)

    blocked = tmp_path_factory.mktemp("blocked") / "file"
    blocked.write_text("in the way")
    champion = ("--champion", boosted.result.bundle.uri, "--champion-digest", NO_DIGEST)
    with ThreadPoolExecutor(2) as pool:
        runs = {case.name: pool.submit(run, case) for case in CASES}
        runs["leaky"] = pool.submit(train, spec(file=leaky))
        runs["allowed"] = pool.submit(train, spec(file=leaky, allow={"leakyColumns": ["closingFee"]}))
        runs["champion"] = pool.submit(train, spec(), *champion)
        runs["foreign"] = pool.submit(train, spec(), "--champion", foreign_champion)
        runs["revision"] = pool.submit(train, spec(), "--revision", "telco-2-r1")
        runs["store"] = pool.submit(train, spec(), store=blocked / "store")
        yield runs


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_is_refused_for(case: Case, outcomes: dict[str, Future[Any]]) -> None:
    assert_refused(outcomes[case.name].result(), reason=case.reason, said=case.said)


def test_a_column_that_knows_the_answer_is_refused_by_its_name(outcomes: dict[str, Future[Any]]) -> None:
    said = ("closingFee", "ROC AUC", "allow.leakyColumns", "hint: ")
    assert_refused(outcomes["leaky"].result(), reason="LeakyColumns", said=said)


def test_a_column_that_knows_the_answer_and_is_allowed_trains_and_is_flagged_not_praised(
    outcomes: dict[str, Future[Any]],
) -> None:
    trained = outcomes["allowed"].result()
    assert trained.code == 0, trained.err
    assert any("closingFee" in warning for warning in trained.result.warnings)
    assert any("too good" in warning for warning in trained.result.warnings)
    assert trained.evaluation.warnings == trained.result.warnings
    assert "too good" in trained.bundle["card.md"].decode()


def test_a_champion_of_another_digest_is_refused_before_the_work(outcomes: dict[str, Future[Any]]) -> None:
    said = (NO_DIGEST, "hint: ", "--champion-digest")
    assert_refused(outcomes["champion"].result(), reason="ChampionUnreadable", said=said)


def test_a_champion_with_an_evaluation_of_another_kind_is_refused(outcomes: dict[str, Future[Any]]) -> None:
    said = ("champion bundle: evaluation.json: ", "hint: ")
    assert_refused(outcomes["foreign"].result(), reason="ChampionUnreadable", said=said)


def test_a_revision_of_another_model_is_refused(outcomes: dict[str, Future[Any]]) -> None:
    said = ("telco-2-r1 is no revision of telco", "hint: ")
    assert_refused(outcomes["revision"].result(), reason="InvalidSpec", said=said, revision="telco-2-r1")


def test_a_store_that_cannot_be_is_refused_before_the_work(outcomes: dict[str, Future[Any]]) -> None:
    refused = outcomes["store"].result()
    assert_refused(refused, reason="StoreUnreachable", said=("the store cannot be used", "Not a directory"))
    assert refused.store.parent.read_text() == "in the way"


@pytest.mark.parametrize("file", [".", "no such folder/result.json"])
def test_a_result_file_that_cannot_be_is_refused_before_the_work(train: Any, spec: Any, file: str) -> None:
    refused = train(spec(), "--result", file)
    assert (refused.code, refused.lines) == (2, ())
    assert "argument --result: " in refused.err
    assert not refused.store.exists()
