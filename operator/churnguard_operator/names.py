"""Names of what the operator makes, and the short hashes in them."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from churnguard_core.names import GROUP

MANAGER: Final = "churnguard-operator"
"""Field manager of what the operator applies, and the value of ``app.kubernetes.io/managed-by``."""

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_PURPOSE: Final = f"{GROUP}/purpose"
LABEL_INFERENCE_SERVICE: Final = f"{GROUP}/inference-service"
ANNOTATION_APPLIED: Final = f"{GROUP}/applied"

LABEL_LENGTH: Final = 63
INFERENCE_SERVICE_NAME_LENGTH: Final = LABEL_LENGTH - len("isvc.-predictor")
"""KServe labels its pods ``app: isvc.<name>-predictor``."""
NAMESPACE_LENGTH: Final = 34
"""KServe's host name of an InferenceService begins with the label ``<name>-predictor-<namespace>``; what a longer
namespace leaves of it has no place for one letter of the model, nine digits of the revision and the hash."""

TEMPLATE_HASH_LENGTH: Final = 5
_LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def digest_of(value: Any) -> str:
    """SHA-256 in hexadecimal of a value's JSON; equal values have equal digests, in whatever order their keys are."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def short_hash(value: Any, *, length: int = TEMPLATE_HASH_LENGTH) -> str:
    """A short hash fit for a name: lower-case letters and digits."""
    number = int(digest_of(value), 16)
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[index])
    return "".join(letters)


def job_name(*, revision: str, attempt: int) -> str:
    """Name of a training Job: ``telco-r7-train``, its second attempt ``telco-r7-train-2``."""
    return f"{revision}-train" if attempt == 1 else f"{revision}-train-{attempt}"


def inference_service_name(*, model: str, namespace: str, revision: str, template: Any) -> str:
    """Name of the InferenceService of a revision and serving template: ``telco-r7-<hash>``.

    The model's part is cut where KServe's own labels would get too long; the hash still covers all of it.

    Args:
        model: The ChurnModel's name.
        namespace: Its namespace, at most ``NAMESPACE_LENGTH`` characters.
        revision: The revision's name.
        template: What the pods are made from.
    """
    name = f"{revision}-{short_hash([revision, template])}"
    room_in_host = LABEL_LENGTH - len("-predictor-") - len(namespace)
    surplus = len(name) - min(INFERENCE_SERVICE_NAME_LENGTH, room_in_host)
    if surplus <= 0:
        return name
    kept = model[: len(model) - surplus].rstrip("-")
    return f"{kept}{name.removeprefix(model)}"


def predictor_name(inference_service: str) -> str:
    """Name of the Deployment and Service that KServe makes for an InferenceService."""
    return f"{inference_service}-predictor"


def prune_job_name(*, model: str, keep: Any) -> str:
    """Name of the Job that deletes all bundles but these."""
    return f"{model}-prune-{short_hash(keep, length=8)}"


def service_account_name(model: str) -> str:
    """Name of the ServiceAccount of a model's pods, which has no rights and no token."""
    return f"{model}-churnguard"
