"""``spec.serving``: how a revision is served. Changes here never train."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from churnguard_core.churnmodel.scalars import ColumnName, Fraction, Number, Part, Resources


class Replicas(Part, frozen=True, kw_only=True):
    """How many predictor pods."""

    min: Annotated[
        int,
        Meta(ge=0, le=1000, description="Fewest predictor pods; 0 only when scaling by `requestsPerSecond`."),
    ] = 1
    max: Annotated[int, Meta(ge=1, le=1000, description="Most predictor pods.")] = 3


class Autoscaling(Part, frozen=True, kw_only=True):
    """What the number of predictor pods follows."""

    metric: Annotated[
        Literal["cpu", "memory", "requestsPerSecond"],
        Meta(description="`cpu` and `memory` in percent of the request; `requestsPerSecond` needs KEDA."),
    ] = "cpu"
    target: Annotated[int, Meta(ge=1, le=100_000, description="Target per pod, in the metric's unit.")] = 70


class Levels(Part, frozen=True, kw_only=True):
    """Where the risk levels begin; below `medium` a risk is low."""

    medium: Annotated[Fraction, Meta(description="Scores from here are `medium`.")] = "0.30"
    high: Annotated[Fraction, Meta(description="Scores from here are `high`.")] = "0.60"


class Condition(Part, frozen=True, kw_only=True):
    """When an insight applies: one feature has a value, or lies in a range."""

    feature: Annotated[ColumnName, Meta(description="Name of the feature.")]
    equals: Annotated[
        Annotated[str, Meta(max_length=128)] | None, Meta(description="The category that it must have.")
    ] = None
    at_least: Annotated[Number | None, Meta(description="The number that it must reach.")] = None
    at_most: Annotated[Number | None, Meta(description="The number that it must not exceed.")] = None


class Insight(Part, frozen=True, kw_only=True):
    """An advice for customers whose risk a feature raises."""

    when: Annotated[
        Condition,
        Meta(description="When it applies: the feature raises this customer's risk, and this holds for it."),
    ]
    text: Annotated[str, Meta(min_length=1, max_length=280, description="What to do, as shown to people.")]


class Route(Part, frozen=True, kw_only=True):
    """An HTTPRoute to the model's stable Service."""

    gateway: Annotated[
        str,
        Meta(
            pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            max_length=127,
            description="Gateway, as `name` or `namespace/name`.",
            extra={"expected": "a Gateway as `name` or `namespace/name`"},
        ),
    ]
    hostname: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
                max_length=253,
                extra={"expected": "a host name in lower case, such as churn.example.com"},
            ),
        ]
        | None,
        Meta(
            description="Host name that the route answers to. Absent: every host of the Gateway's listener."
        ),
    ] = None
    path: Annotated[
        str,
        Meta(
            pattern=r"^/[A-Za-z0-9/_.~-]*$",
            max_length=256,
            description="Path prefix.",
            extra={"expected": "a path that begins with /, of letters, digits and /_.~-"},
        ),
    ] = "/"


class Serving(Part, frozen=True, kw_only=True):
    """How a revision is served. Changes here never train."""

    replicas: Annotated[Replicas, Meta(description="How many predictor pods.")] = Replicas()
    autoscaling: Annotated[Autoscaling, Meta(description="What their number follows.")] = Autoscaling()
    levels: Annotated[
        Levels, Meta(description="Where the risk levels begin; below `medium` a risk is low.")
    ] = Levels()
    insights: Annotated[
        tuple[Insight, ...],
        Meta(
            max_length=50,
            description="Advice shown with explanations, the strongest reason first, at most 3.",
        ),
    ] = ()
    route: Annotated[Route | None, Meta(description="Expose the model through a Gateway.")] = None
    resources: Annotated[Resources, Meta(description="Resources of a predictor pod.")] = Resources()
    revision: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?-r[1-9][0-9]*$",
                max_length=52,
                extra={"expected": "the name of a revision, such as telco-r7"},
            ),
        ]
        | None,
        Meta(description="Serve exactly this revision (manual roll-back) until the field is removed."),
    ] = None
