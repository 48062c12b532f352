"""Names that cross components: API group, labels, revisions, paths in a bundle store."""

from __future__ import annotations

import re
from typing import Final, Literal

GROUP: Final = "churnguard.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final[Literal["churnguard.dev/v1alpha1"]] = "churnguard.dev/v1alpha1"
KIND: Final[Literal["ChurnModel"]] = "ChurnModel"
PLURAL: Final = "churnmodels"
SHORT_NAME: Final = "chm"
CATEGORY: Final = "churn"

LABEL_MODEL: Final = f"{GROUP}/model"
LABEL_REVISION: Final = f"{GROUP}/revision"
ANNOTATION_TRAIN_REQUESTED_AT: Final = f"{GROUP}/train-requested-at"

CLAIM_MOUNT_ROOT: Final = "/mnt/churnguard"
"""A PersistentVolumeClaim ``C`` is mounted at ``/mnt/churnguard/C``."""

DIGEST_PREFIX_LENGTH: Final = 12

MODEL_NAME: Final = r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?"
"""Pattern of a ChurnModel's name, for patterns of names that begin with it."""

BUNDLE_NAME: Final = re.compile(rf"(?P<model>{MODEL_NAME})-r[1-9][0-9]*-[0-9a-f]{{{DIGEST_PREFIX_LENGTH}}}")
"""Last part of a bundle's path: ``<model>-r<number>-<digest12>``."""

_REVISION = re.compile(rf"(?P<model>{MODEL_NAME})-r(?P<number>[1-9][0-9]{{0,8}})")


def revision_name(*, model: str, number: int) -> str:
    """Name of a model's revision, such as ``telco-r7``."""
    return f"{model}-r{number}"


def revision_number(revision: str) -> int:
    """Number of a revision; ValueError when the text is no revision name."""
    match = _REVISION.fullmatch(revision)
    if match is None:
        raise ValueError(f"{revision!r} is no revision name; expected <model>-r<number>, such as telco-r7")
    return int(match["number"])


def bundle_path(*, namespace: str, model: str, revision: str, digest: str) -> str:
    """Path of a bundle below the root of its store; it holds the digest, so it is never overwritten."""
    return f"{namespace}/{model}/{revision}-{digest.removeprefix('sha256:')[:DIGEST_PREFIX_LENGTH]}"
