"""``spec.data`` and ``spec.store``: where customers come from, what columns mean, where bundles go."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from churnguard_core.churnmodel.scalars import ColumnName, ColumnType, Part, SecretName

S3Secret = Annotated[
    SecretName | None,
    Meta(description="Secret with the keys `accessKey`, `secretKey` and optionally `endpoint`, for `s3://`."),
]


class SimulatorSource(Part, frozen=True, kw_only=True):
    """Simulated customers, for a first look and for tests."""

    rows: Annotated[int, Meta(ge=1, le=10_000_000, description="How many customers to simulate.")] = 7043
    seed: Annotated[
        int,
        Meta(
            ge=0, le=2**31 - 1, description="Seed of the simulation; the same seed gives the same customers."
        ),
    ] = 7


class FileSource(Part, frozen=True, kw_only=True):
    """One CSV or Parquet file."""

    uri: Annotated[
        str,
        Meta(
            pattern=r"^(pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?/|s3://[a-z0-9][-.a-z0-9]*/|file:///)"
            r"[^\x00-\x20\x7f]+$",
            max_length=1024,
            description="Where the file is: `pvc://claim/path`, `s3://bucket/key` or `file:///path`; its "
            "name ends in `.csv`, `.csv.gz` or `.parquet`.",
            extra={"expected": "`pvc://claim/path`, `s3://bucket/key` or `file:///path`, without blanks"},
        ),
    ]
    secret_name: S3Secret = None


class PostgresSource(Part, frozen=True, kw_only=True):
    """The rows of one query."""

    secret_name: Annotated[
        SecretName,
        Meta(
            description="Secret whose key `uri` holds the connection, `postgresql://user:password@host/db`."
        ),
    ]
    query: Annotated[
        str,
        Meta(min_length=1, max_length=16_384, description="One SELECT; it runs in a read-only transaction."),
    ]


class Source(Part, frozen=True, kw_only=True):
    """Where customers come from; exactly one of the fields."""

    simulator: Annotated[SimulatorSource | None, Meta(description="Simulated customers.")] = None
    file: Annotated[FileSource | None, Meta(description="A CSV or Parquet file.")] = None
    postgres: Annotated[PostgresSource | None, Meta(description="A query on PostgreSQL.")] = None


class Label(Part, frozen=True, kw_only=True):
    """Which column says who left."""

    name: Annotated[ColumnName, Meta(description="Name of the label column.")]
    positive: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=128,
            description="The value of that column that means: this customer left. Always quoted: YAML reads "
            "a bare Yes, TRUE or 1 as something else than text.",
        ),
    ] = "Yes"


class Columns(Part, frozen=True, kw_only=True):
    """What the columns mean. Columns not named here are features."""

    label: Annotated[Label, Meta(description="The column to predict.")]
    id: Annotated[
        ColumnName | None,
        Meta(description="Column that identifies a customer; never a feature, keeps their rows together."),
    ] = None
    time: Annotated[
        ColumnName | None,
        Meta(description="Column with the row's as-of time; when given, the latest rows judge the model."),
    ] = None
    value: Annotated[
        ColumnName | None,
        Meta(description="Numeric column with the money a customer is worth, for value at risk."),
    ] = None
    exclude: Annotated[
        tuple[ColumnName, ...], Meta(max_length=500, description="Columns that are never used.")
    ] = ()
    protected: Annotated[
        tuple[ColumnName, ...],
        Meta(max_length=20, description="Columns left out of the model and reported per group."),
    ] = ()
    types: Annotated[
        dict[ColumnName, ColumnType],
        Meta(
            max_length=500,
            description="Types that override the inferred ones: `numeric`, `categorical` or `boolean`.",
        ),
    ] = field(default_factory=dict)


class Allow(Part, frozen=True, kw_only=True):
    """Refusals that the author overrides, having read why."""

    few_rows: Annotated[
        bool, Meta(description="Train on fewer than 1,000 rows or fewer than 200 of a class.")
    ] = False
    leaky_columns: Annotated[
        tuple[ColumnName, ...],
        Meta(max_length=100, description="Columns that may predict the label alone (ROC AUC above 0.95)."),
    ] = ()


class Data(Part, frozen=True, kw_only=True):
    """The customers to learn from."""

    source: Annotated[Source, Meta(description="Where customers come from; exactly one kind.")]
    columns: Annotated[
        Columns, Meta(description="What the columns mean. Columns not named here are features.")
    ]
    allow: Annotated[Allow, Meta(description="Explicit overrides of refusals.")] = Allow()


class Store(Part, frozen=True, kw_only=True):
    """Where bundles are kept."""

    uri: Annotated[
        str,
        Meta(
            pattern=r"^((pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?|s3://[a-z0-9][-.a-z0-9]*)(/[^\x00-\x20\x7f]*)?"
            r"|file:///[^\x00-\x20\x7f]+)$",
            max_length=1024,
            description="Root of the store: `pvc://claim/path` or `s3://bucket/prefix`; on a laptop also "
            "`file:///path`.",
            extra={"expected": "`pvc://claim/path`, `s3://bucket/prefix` or `file:///path`, without blanks"},
        ),
    ]
    secret_name: S3Secret = None
