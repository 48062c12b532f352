"""``churnguard validate``: every problem of every file, each on a line of standard output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

VALID = """\
apiVersion: churnguard.dev/v1alpha1
kind: ChurnModel
metadata: {name: telco, namespace: retention}
spec:
  data:
    source: {simulator: {}}
    columns: {label: {name: Churn}}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: other}\n"
SAMPLES = sorted((Path(__file__).parents[2] / "manifests" / "samples").glob("*.yaml"))


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_valid_model_is_named(churnguard: Run) -> None:
    Path("telco.yaml").write_text(VALID)
    outcome = churnguard("validate", "telco.yaml")
    assert outcome.out == "telco.yaml: ChurnModel retention/telco is valid\n"
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_are_valid(churnguard: Run, sample: Path) -> None:
    assert churnguard("validate", sample).code == 0


def test_there_are_samples() -> None:
    assert SAMPLES


def test_every_wrong_field_of_every_file_is_listed(churnguard: Run) -> None:
    Path("a.yaml").write_text(VALID.replace("simulator: {}", "simulator: {rows: -1, sed: 3}"))
    Path("b.yaml").write_text(VALID.replace("name: Churn", "name: Churn, positive: yes"))
    Path("c.yaml").write_text(VALID)
    outcome = churnguard("validate", "a.yaml", "b.yaml", "c.yaml")
    assert outcome.code == 2
    assert outcome.out.splitlines() == [
        "a.yaml: spec.data.source.simulator.sed: unknown field `sed`; did you mean `seed`?",
        "a.yaml: spec.data.source.simulator.rows: must be at least 1, got -1",
        "b.yaml: spec.data.columns.label.positive: expected a string, got a boolean; write it in quotes as it stands "
        'in the data, such as "Yes", "TRUE" or "1"',
        "c.yaml: ChurnModel retention/telco is valid",
    ]


def test_other_kinds_are_skipped_with_a_note_on_standard_error(churnguard: Run) -> None:
    Path("all.yaml").write_text(f"{SERVICE}---\n{VALID}---\n")
    outcome = churnguard("validate", "all.yaml")
    assert (outcome.code, outcome.out) == (0, "all.yaml: ChurnModel retention/telco is valid\n")
    assert outcome.err == "all.yaml, document 1: a Service, skipped\n"


def test_problems_of_several_documents_name_the_document(churnguard: Run) -> None:
    Path("two.yaml").write_text(f"{VALID}---\n{VALID.replace('telco', 'Telco')}")
    outcome = churnguard("validate", "two.yaml")
    assert outcome.code == 2
    assert "two.yaml, document 2: metadata.name: expected a name" in outcome.out


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("empty", b"", "holds no ChurnModel"),
        ("only other kinds", SERVICE.encode(), "holds no ChurnModel"),
        (
            "a list",
            b"- 1\n- 2\n",
            "expected a ChurnModel with apiVersion, kind, metadata and spec; got a list",
        ),
        ("another case", VALID.replace("ChurnModel", "churnmodel").encode(), "kind: expected ChurnModel"),
        ("a kind of ours that is none", VALID.replace("ChurnModel", "Churn").encode(), "kind: expected"),
        ("no kind", VALID.replace("kind: ChurnModel\n", "").encode(), "kind: required"),
        ("a tab", b"a:\n\tb: 1\n", "line 2, column 1: found character '\\t' that cannot start any token"),
        ("two wrong keys", b"a: 1\nb: {c: 1, c: 2}\na: 2\n", 'line 3: key "a" is on line 1 already'),
        ("one key twice in a line", b"a: 1\nb: {c: 1, c: 2}\n", 'line 2: key "c" is on line 2 already'),
        ("an alias", b"a: &x [1]\nb: *x\n", "line 2, column 4: aliases (*name) are not supported"),
        ("a bomb", b"a: &a [x,x]\nb: &b [*a,*a]\n", "line 2, column 8: aliases (*name) are not supported"),
        (
            "a merge bomb",
            b"a: &a {k: 1}\nb: {<<: [*a,*a,*a]}\n",
            "line 2, column 10: aliases (*name) are not supported",
        ),
        (
            "an object of Python",
            b"a: !!python/object/apply:os.getcwd []\n",
            "line 1, column 4: could not determine a constructor",
        ),
        ("deep nesting", b"[" * 100_000, "nested too deeply"),
        ("more than 1 MiB", b"#" * (1 << 20) + b"\n", "larger than 1024 KiB"),
        ("not UTF-8", b"a: \xff\n", "no YAML: "),
        ("NUL bytes", b"a: \0\n", "no YAML: unacceptable character #x0000"),
        ("a date that is none", b"a: 2024-13-99\n", "no YAML: month must be in 1..12"),
        ("a key that is a list", b"? [a]\n: 1\n", "line 1, column 3: found unhashable key"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_what_is_no_model_gets_a_line_and_no_traceback(
    churnguard: Run, name: str, content: bytes, problem: str
) -> None:
    Path("model.yaml").write_bytes(content)
    outcome = churnguard("validate", "model.yaml")
    assert outcome.code == 2
    assert f"model.yaml: {problem}" in outcome.out
    assert "Traceback" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("make", "problem"),
    [(lambda _: None, "No such file or directory"), (lambda path: path.mkdir(), "Is a directory")],
)
def test_what_cannot_be_read_is_said(churnguard: Run, make: Callable[[Path], None], problem: str) -> None:
    make(Path("model.yaml"))
    outcome = churnguard("validate", "model.yaml")
    assert (outcome.code, outcome.out) == (2, f"model.yaml: {problem}\n")


def test_without_a_file_the_usage_is_shown(churnguard: Run) -> None:
    outcome = churnguard("validate")
    assert (outcome.code, outcome.out) == (2, "")
    assert "Missing argument 'FILE...'" in outcome.err
