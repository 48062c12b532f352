"""The ChurnModel object (``churnguard.dev/v1alpha1``): the source of parser, CRD and reference page.

Every field carries its description and its bounds in ``Meta``; defaults are the struct's defaults.
Rules that join several fields live in :mod:`churnguard_core.churnmodel.rules`. Status is in
:mod:`churnguard_core.churnmodel.status`: it is written by the operator and no input of anything.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from churnguard_core.churnmodel.data import (
    Allow,
    Columns,
    Data,
    FileSource,
    Label,
    PostgresSource,
    SimulatorSource,
    Source,
    Store,
)
from churnguard_core.churnmodel.scalars import (
    Algorithm,
    Balancing,
    ColumnName,
    ColumnType,
    Fraction,
    Metric,
    Number,
    Part,
    Quantity,
    Resources,
    SecretName,
)
from churnguard_core.churnmodel.serving import (
    Autoscaling,
    Condition,
    Insight,
    Levels,
    Replicas,
    Route,
    Serving,
)
from churnguard_core.churnmodel.training import Gate, Schedule, Search, Training
from churnguard_core.names import API_VERSION, KIND

__all__ = [
    "Algorithm",
    "Allow",
    "Autoscaling",
    "Balancing",
    "ChurnModel",
    "ColumnName",
    "ColumnType",
    "Columns",
    "Condition",
    "Data",
    "FileSource",
    "Fraction",
    "Gate",
    "History",
    "Insight",
    "Label",
    "Levels",
    "Metadata",
    "Metric",
    "Number",
    "Part",
    "PostgresSource",
    "Quantity",
    "Replicas",
    "Resources",
    "Route",
    "Schedule",
    "Search",
    "SecretName",
    "Serving",
    "SimulatorSource",
    "Source",
    "Spec",
    "Store",
    "Training",
]


class History(Part, frozen=True, kw_only=True):
    """What is kept of the past."""

    revisions: Annotated[
        int, Meta(ge=1, le=20, description="How many revisions are kept, with their bundles.")
    ] = 5


class Spec(Part, frozen=True, kw_only=True):
    """What is wanted."""

    data: Annotated[Data, Meta(description="The customers to learn from.")]
    store: Annotated[
        Store | None, Meta(description="Where bundles are kept. Absent: the operator's setting.")
    ] = None
    training: Annotated[Training, Meta(description="How a revision is trained.")] = Training()
    gates: Annotated[
        tuple[Gate, ...],
        Meta(
            max_length=20,
            description="All must hold, else the revision is rejected and nothing changes for callers. "
            "Empty: beat the log loss of always answering the prevalence.",
        ),
    ] = ()
    serving: Annotated[Serving, Meta(description="How a revision is served. Changes here never train.")] = (
        Serving()
    )
    history: Annotated[History, Meta(description="What is kept of the past.")] = History()
    suspend: Annotated[bool, Meta(description="Start nothing new; what serves goes on serving.")] = False


class Metadata(Struct, frozen=True, kw_only=True):
    """The parts of Kubernetes' object metadata that programs without a cluster read; others are ignored."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
            min_length=1,
            # Names of Jobs, Services and their pods are built on it and end at 63 characters.
            max_length=40,
            description="Name of the model, and of the Service that callers use.",
            extra={
                "expected": "a name of lower-case letters, digits and `-` that begins with a letter and "
                "does not end in `-`"
            },
        ),
    ]
    namespace: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            max_length=63,
            description="Namespace of the model and of everything it owns.",
            extra={"expected": "a namespace: lower-case letters, digits and `-`"},
        ),
    ] = "default"


class ChurnModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One churn model's whole life cycle: data, training, gates, serving."""

    api_version: Annotated[
        Literal["churnguard.dev/v1alpha1"], Meta(description="Version of this object's schema.")
    ] = API_VERSION
    kind: Annotated[Literal["ChurnModel"], Meta(description="Kind of this object.")] = KIND
    metadata: Annotated[Metadata, Meta(description="Kubernetes' object metadata.")]
    spec: Annotated[Spec, Meta(description="What is wanted.")]
