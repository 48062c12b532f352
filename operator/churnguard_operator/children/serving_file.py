"""What of ``spec.serving`` the server applies to scores, as the file that it reads."""

from __future__ import annotations

from typing import Final

import msgspec

from churnguard_core.churnmodel.types import Serving
from churnguard_operator.children.metadata import labels_of, metadata_of
from churnguard_operator.names import LABEL_INFERENCE_SERVICE
from churnguard_operator.observed import Document, ModelView

SERVING_FOLDER: Final = "/etc/churnguard/serving"
SERVING_FILE: Final = "serving.json"


def serving_text(serving: Serving) -> str:
    """The file; limits are the server's own."""
    settings = {"levels": serving.levels, "insights": serving.insights}
    return msgspec.json.encode(settings, order="deterministic").decode()


def serving_file(model: ModelView, serving: Serving, *, name: str, revision: str) -> Document:
    """ConfigMap with the file for one InferenceService, of its name; it never changes, another file is another name."""
    labels = labels_of(model, purpose="serving", revision=revision)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata_of(model, name=name, labels={**labels, LABEL_INFERENCE_SERVICE: name}),
        "data": {SERVING_FILE: serving_text(serving)},
    }
