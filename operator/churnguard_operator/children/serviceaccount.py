"""The ServiceAccount of a model's pods: an identity without rights and without a token."""

from __future__ import annotations

from churnguard_operator.children.metadata import labels_of, metadata_of
from churnguard_operator.names import service_account_name
from churnguard_operator.observed import Document, ModelView


def service_account(model: ModelView) -> Document:
    """The account that training and serving pods run as."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata_of(
            model, name=service_account_name(model.name), labels=labels_of(model, purpose="identity")
        ),
        "automountServiceAccountToken": False,
    }
