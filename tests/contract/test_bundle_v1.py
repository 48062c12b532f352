from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from churnguard_core.bundle import (
    EVALUATION_NAME,
    MANIFEST_NAME,
    REFERENCE_NAME,
    SCORER_NAME,
    InvalidBundle,
    Manifest,
    content_digest,
    encode_manifest,
    file_digest,
)
from churnguard_core.evaluation import Evaluation
from churnguard_core.reference import Reference
from churnguard_scoring.bundle import load_bundle

Bundle = Callable[[str], dict[str, bytes]]

DIGESTS = {
    "boosting": "sha256:ec604e5579a38a33e572e30ed7bde1a565544fb57912225af02310d506ac6dc4",
    "logistic": "sha256:500ee7539154ce542b7a472d00175fd097e71e9bb5687a9f19df93105184a5bb",
    "forest": "sha256:d323c8c65e2aacd0157dff6f2a24f4f7ee1782b24e523e17ef5bd6e966b532e5",
}
CUSTOMER = {
    "tenure": 1,
    "monthlyCharges": 70.35,
    "contract": "Month-to-month",
    "paperless": True,
    "supportCalls": 2,
}


@pytest.mark.parametrize("name", DIGESTS)
def test_a_golden_bundle_loads_and_gives_its_parity_answers(name: str, golden_bundle: Bundle) -> None:
    loaded = load_bundle(golden_bundle(name), digest=DIGESTS[name])
    assert loaded.manifest.content.schema == loaded.scorer.features
    assert loaded.manifest.content.space == loaded.scorer.space


@pytest.mark.parametrize(
    ("name", "empty", "score", "strongest", "reason", "baseline"),
    [
        (
            "boosting",
            0.2522731522276283,
            0.6924049479039925,
            "tenure",
            0.7720826074044491,
            -0.3962497253040974,
        ),
        (
            "logistic",
            0.36270591303842104,
            0.7338294888376964,
            "tenure",
            1.0198965412813228,
            -0.5303231363687996,
        ),
        (
            "forest",
            0.42234744775765587,
            0.6321514795752214,
            "contract",
            0.125545549023233,
            0.4003671874999999,
        ),
    ],
)
def test_golden_answers_stay(
    name: str,
    empty: float,
    score: float,
    strongest: str,
    reason: float,
    baseline: float,
    golden_bundle: Bundle,
) -> None:
    scorer = load_bundle(golden_bundle(name)).scorer
    explained = scorer.explain(CUSTOMER)
    assert scorer.score({}) == pytest.approx(empty, abs=1e-9)
    assert scorer.score(CUSTOMER) == pytest.approx(score, abs=1e-9)
    assert next(iter(explained.reasons)) == strongest
    assert explained.reasons[strongest] == pytest.approx(reason, abs=1e-9)
    assert explained.baseline == pytest.approx(baseline, abs=1e-9)


@pytest.mark.parametrize("name", DIGESTS)
def test_reference_and_evaluation_can_still_be_read(name: str, golden_bundle: Bundle) -> None:
    files = golden_bundle(name)
    evaluation = msgspec.json.decode(files[EVALUATION_NAME], type=Evaluation)
    reference = msgspec.json.decode(files[REFERENCE_NAME], type=Reference)
    assert evaluation.rows == 800
    assert 0.75 < evaluation.metrics["rocAuc"] < 0.85
    assert sum(reference.scores) == reference.rows == evaluation.training_rows == 3_200


@pytest.mark.parametrize("name", DIGESTS)
def test_todays_program_writes_the_same_manifest(name: str, golden_bundle: Bundle) -> None:
    written = golden_bundle(name)[MANIFEST_NAME]
    manifest = msgspec.json.decode(written, type=Manifest)
    assert encode_manifest(manifest) == written
    assert content_digest(manifest.content) == DIGESTS[name]


def signed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files with a manifest that is right about them."""
    manifest = msgspec.json.decode(files[MANIFEST_NAME], type=Manifest)
    digests = {name: file_digest(files[name]) for name in manifest.content.files}
    content = replace(manifest.content, files=digests)
    return {
        **files,
        MANIFEST_NAME: encode_manifest(replace(manifest, content=content, digest=content_digest(content))),
    }


@pytest.mark.parametrize("name", DIGESTS)
def test_a_scorer_that_answers_otherwise_is_refused_even_with_a_valid_digest(
    name: str, golden_bundle: Bundle
) -> None:
    files = golden_bundle(name)
    scorer: dict[str, Any] = msgspec.json.decode(files[SCORER_NAME])
    scorer["calibration"]["intercept"] += 1e-4
    assert load_bundle(signed(files))
    with pytest.raises(InvalidBundle, match=r"parity.json: record 0 differs"):
        load_bundle(signed({**files, SCORER_NAME: msgspec.json.encode(scorer)}))


def test_the_golden_bundles_are_small(golden_bundle: Bundle) -> None:
    assert sum(len(data) for name in DIGESTS for data in golden_bundle(name).values()) < 60_000
