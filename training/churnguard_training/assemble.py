"""Assembling a bundle's files from a judged model."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Final

import msgspec

from churnguard_core.bundle import (
    EVALUATION_NAME,
    FORMAT,
    MANIFEST_NAME,
    PARITY_NAME,
    REFERENCE_NAME,
    SCORER_NAME,
    Content,
    Manifest,
    Origin,
    content_digest,
    encode_manifest,
    file_digest,
)
from churnguard_core.churnmodel.types import ChurnModel, Spec
from churnguard_core.evaluation import Evaluation
from churnguard_scoring.scorer import Scorer
from churnguard_training.candidates import CANDIDATES
from churnguard_training.fitting import FittedModel
from churnguard_training.records import parity_records, reference
from churnguard_training.table import Table

LIBRARIES: Final = ("numpy", "scikit-learn", "xgboost-cpu", "xgboost", "imbalanced-learn")


def content_files(
    fitted: FittedModel, *, evaluation: Evaluation, training_part: Table, seed: int
) -> dict[str, bytes]:
    """The files that determine answers and hold-out figures."""
    scorer = Scorer(fitted.definition)
    distributions = reference(training_part, scorer.score_many(training_part.features))
    return {
        SCORER_NAME: _encode(fitted.definition),
        PARITY_NAME: _encode(parity_records(scorer, seed=seed)),
        REFERENCE_NAME: _encode(distributions),
        EVALUATION_NAME: _encode(evaluation),
    }


def build_content(
    files: Mapping[str, bytes], *, fitted: FittedModel, data_digest: str, model: ChurnModel
) -> Content:
    """The part of the manifest that the bundle's digest covers."""
    return Content(
        format=FORMAT,
        task="churn",
        algorithm=fitted.algorithm,
        space=CANDIDATES[fitted.algorithm].space,
        schema=fitted.definition.features,
        data_digest=data_digest,
        spec_digest=training_digest(model.spec),
        seed=model.spec.training.seed,
        libraries=_libraries(),
        files={name: file_digest(data) for name, data in files.items()},
    )


def build_manifest(
    content: Content, *, documents: Mapping[str, bytes], model: ChurnModel, revision: str, now: datetime
) -> tuple[str, bytes]:
    """Name and bytes of the manifest."""
    manifest = Manifest(
        digest=content_digest(content),
        content=content,
        origin=Origin(
            namespace=model.metadata.namespace,
            model=model.metadata.name,
            revision=revision,
            created_at=now.isoformat(timespec="seconds"),
        ),
        documents={name: file_digest(data) for name, data in documents.items()},
    )
    return MANIFEST_NAME, encode_manifest(manifest)


def training_digest(spec: Spec) -> str:
    """Digest of what in a spec influences a trained model: changes elsewhere roll out without training."""
    influence = {
        "columns": spec.data.columns,
        "allow": spec.data.allow,
        "algorithms": spec.training.algorithms,
        "balancing": spec.training.balancing,
        "search": spec.training.search,
        "seed": spec.training.seed,
    }
    encoded = msgspec.json.encode(influence, order="deterministic")
    return "sha256:" + hashlib.sha256(encoded).hexdigest()


def _libraries() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # one of xgboost's two distributions
            continue
    return found


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
