from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from churnguard_core.bundle import (
    MANIFEST_NAME,
    REQUIRED_CONTENT,
    SCORER_NAME,
    Content,
    FileDigest,
    InvalidBundle,
    Manifest,
    Origin,
    content_digest,
    encode_manifest,
    file_digest,
    verify_bundle,
)
from churnguard_core.features import BooleanFeature, CategoricalFeature, NumericFeature

Files = dict[str, bytes]

CONTENT_FILES: Files = {name: f'{{"file": "{name}"}}'.encode() for name in sorted(REQUIRED_CONTENT)}
DOCUMENTS: Files = {"card.md": b"# a model card", "plots/deciles.png": b"\x89PNG"}

CONTENT = Content(
    format=1,
    task="churn",
    algorithm="XGBoost",
    space="logOdds",
    schema=(
        NumericFeature(name="tenure", minimum=0.0, maximum=1e22, missing_share=1e-7),
        CategoricalFeature(name="Vertrag « é »", categories=("monatlich", 'one "year"')),
        BooleanFeature(name="paperless"),
    ),
    data_digest="sha256:data",
    spec_digest="sha256:spec",
    seed=7,
    libraries={"numpy": "2", "python": "3"},
    files={name: file_digest(data) for name, data in CONTENT_FILES.items()},
)
ORIGIN = Origin(
    namespace="default", model="telco", revision="telco-r1", created_at="2026-01-01T00:00:00+00:00"
)


def bundle(content: Content = CONTENT, *, origin: Origin = ORIGIN, documents: Files = DOCUMENTS) -> Files:
    """A whole bundle with this content; its files are always those of ``CONTENT``."""
    manifest = Manifest(
        digest=content_digest(content),
        content=content,
        origin=origin,
        documents={name: file_digest(data) for name, data in documents.items()},
    )
    return {**CONTENT_FILES, **documents, MANIFEST_NAME: encode_manifest(manifest)}


def problems_of(files: Mapping[str, bytes], *, digest: str | None = None) -> list[str]:
    with pytest.raises(InvalidBundle) as raised:
        verify_bundle(files, digest=digest)
    assert str(raised.value) == "; ".join(raised.value.problems)
    return list(raised.value.problems)


def test_a_whole_bundle_is_accepted_with_and_without_its_digest() -> None:
    digest = content_digest(CONTENT)
    assert verify_bundle(bundle()).content == CONTENT
    assert verify_bundle(bundle(), digest=digest).origin == ORIGIN
    assert verify_bundle(bundle(documents={}), digest=digest).documents == {}


def test_the_digest_is_that_of_the_content_as_written_without_white_space() -> None:
    # As docs/bundle.md says it, with nothing but text: numbers keep the spelling that they have in the file.
    text = bundle()[MANIFEST_NAME].decode()
    compact = re.sub(r'("(?:[^"\\]|\\.)*")|\s+', r"\1", text)
    start = compact.index('"content":') + len('"content":')
    _, end = json.JSONDecoder().raw_decode(compact, start)
    content = compact[start:end]
    assert "1e22" in content
    assert "1e-7" in content
    assert content_digest(CONTENT) == "sha256:" + hashlib.sha256(content.encode()).hexdigest()


@given(name=st.sampled_from(sorted(CONTENT_FILES)), data=st.binary(max_size=40))
def test_any_other_byte_in_a_content_file_is_another_digest(name: str, data: bytes) -> None:
    files = {**CONTENT.files, name: file_digest(data)}
    changed = content_digest(replace(CONTENT, files=files))
    assert (changed == content_digest(CONTENT)) == (data == CONTENT_FILES[name])


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "LogisticRegression"},
        {"space": "probability"},
        {"schema": CONTENT.schema[:1]},
        {"data_digest": "sha256:other"},
        {"spec_digest": "sha256:other"},
        {"seed": 8},
        {"libraries": {"numpy": "3"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_in_the_content_changes_the_digest(change: dict[str, Any]) -> None:
    assert content_digest(replace(CONTENT, **change)) != content_digest(CONTENT)


def test_the_order_of_names_does_not_change_the_digest() -> None:
    backwards = dict(reversed(CONTENT.files.items()))
    assert content_digest(replace(CONTENT, files=backwards)) == content_digest(CONTENT)


def test_origin_and_documents_do_not_change_the_digest() -> None:
    again = bundle(
        origin=replace(ORIGIN, revision="telco-r2", created_at="later"), documents={"card.md": b"x"}
    )
    assert verify_bundle(again).digest == verify_bundle(bundle()).digest


def test_a_field_of_a_newer_writer_is_covered_by_the_digest() -> None:
    manifest: dict[str, Any] = json.loads(bundle()[MANIFEST_NAME])
    manifest["content"]["later"] = "field"
    text = msgspec.json.encode(manifest["content"])
    digest = "sha256:" + hashlib.sha256(text).hexdigest()
    files = {**bundle(), MANIFEST_NAME: msgspec.json.encode({**manifest, "digest": digest})}
    assert verify_bundle(files, digest=digest).digest == digest
    assert len(problems_of(files, digest=content_digest(CONTENT))) == 1


def _without(name: str) -> Callable[[Files], Files]:
    return lambda files: {other: data for other, data in files.items() if other != name}


def _with(name: str, data: bytes) -> Callable[[Files], Files]:
    return lambda files: {**files, name: data}


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (_without(SCORER_NAME), "scorer.json: missing"),
        (_without("card.md"), "card.md: missing"),
        (
            _with(SCORER_NAME, CONTENT_FILES[SCORER_NAME][:-1]),
            "scorer.json: has 22 bytes, the manifest says 23",
        ),
        (
            _with(SCORER_NAME, b'{"file": "Scorer.json"}'),
            "scorer.json: its SHA-256 differs from the manifest's",
        ),
        (_with("card.md", b"# A model card"), "card.md: its SHA-256 differs from the manifest's"),
        (_with("plots/x.png", b""), "plots/x.png: not named by the manifest"),
        (_with("../scorer.json", b""), "../scorer.json: not named by the manifest"),
    ],
    ids=["missing", "missing document", "truncated", "changed", "changed document", "foreign", "outside"],
)
def test_a_damaged_file_is_named(damage: Callable[[Files], Files], problem: str) -> None:
    assert problems_of(damage(bundle())) == [problem]


def test_all_problems_are_told_at_once() -> None:
    files = bundle()
    del files["reference.json"]
    files["parity.json"] += b" "
    files["scorer.json"] = files["scorer.json"].upper()
    files["notes.txt"] = b""
    assert problems_of(files, digest="sha256:00") == [
        "notes.txt: not named by the manifest",
        "parity.json: has 24 bytes, the manifest says 23",
        "reference.json: missing",
        "scorer.json: its SHA-256 differs from the manifest's",
        f"manifest.json: expected digest sha256:00, found {content_digest(CONTENT)}",
    ]


def test_a_manifest_with_a_digest_of_other_content_is_refused() -> None:
    manifest = msgspec.json.decode(bundle()[MANIFEST_NAME], type=Manifest)
    forged = replace(manifest, content=replace(manifest.content, seed=8))
    problems = problems_of({**bundle(), MANIFEST_NAME: encode_manifest(forged)})
    assert problems == [
        f"manifest.json: says digest {manifest.digest}, its content has {content_digest(forged.content)}"
    ]


def test_a_document_cannot_stand_in_for_content() -> None:
    # A document's hash is outside the digest: were it believed, anybody could exchange the scorer.
    manifest = msgspec.json.decode(bundle()[MANIFEST_NAME], type=Manifest)
    evil = b'{"file": "evil.json"}'
    forged = replace(manifest, documents={**manifest.documents, SCORER_NAME: file_digest(evil)})
    files = {**bundle(), SCORER_NAME: evil, MANIFEST_NAME: encode_manifest(forged)}
    assert problems_of(files, digest=manifest.digest) == [
        "scorer.json: has 21 bytes, the manifest says 23",
        "scorer.json: named as content and as document",
    ]


@pytest.mark.parametrize("name", sorted(REQUIRED_CONTENT))
def test_content_without_a_required_file_is_refused(name: str) -> None:
    files = {other: digest for other, digest in CONTENT.files.items() if other != name}
    problems = problems_of(_without(name)(bundle(replace(CONTENT, files=files))))
    assert problems == [f"{name}: required, but not named in the manifest's content"]


@pytest.mark.parametrize(
    ("version", "what_to_do"), [(2, "use a newer version"), (999, "use a newer version"), (0, "train again")]
)
def test_another_format_is_refused_before_anything_else_is_read(version: int, what_to_do: str) -> None:
    manifest = msgspec.json.encode({"content": {"format": version, "task": "something else"}})
    assert problems_of({MANIFEST_NAME: manifest}) == [
        f"manifest.json: format {version}; this program reads 1: {what_to_do}"
    ]


def test_a_folder_without_a_manifest_is_no_bundle() -> None:
    assert problems_of(_without(MANIFEST_NAME)(bundle())) == [
        "manifest.json: missing; this folder is no bundle, or was not written to its end"
    ]


WHOLE = bundle()[MANIFEST_NAME]


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"content": {}}',
        WHOLE[:-2],
        WHOLE.replace(b'"seed": 7', b'"seed": "7"'),
        WHOLE.replace(b"XGBoost", b"\xff"),
        WHOLE.replace(b'"digest"', b'"nesting": ' + b"[" * 100_000 + b', "digest"'),
    ],
    ids=[
        "empty",
        "binary",
        "list",
        "null",
        "no format",
        "truncated",
        "wrong type",
        "not UTF-8",
        "nested without end",
    ],
)
def test_a_manifest_that_is_none_is_named(manifest: bytes) -> None:
    (problem,) = problems_of({**bundle(), MANIFEST_NAME: manifest})
    assert problem.startswith("manifest.json: ")


@given(st.integers(0, len(WHOLE) - 1))
def test_a_truncated_manifest_never_passes(size: int) -> None:
    assert problems_of({**bundle(), MANIFEST_NAME: WHOLE[:size]})


def test_file_digests_are_plain_sha256() -> None:
    assert file_digest(b"abc") == FileDigest(sha256=hashlib.sha256(b"abc").hexdigest(), size=3)
