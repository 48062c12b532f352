"""Which sink the settings mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

SinkName = Literal["kafka", "postgres"]
KAFKA_VARIABLE: Final = "KAFKA_BOOTSTRAP"
DATABASE_VARIABLE: Final = "DATABASE_URL"


class UnclearSink(ValueError):  # noqa: N818 - names what it is about
    """The settings name no sink, or two; the message says what to do."""


def chosen_sink(
    *, named: SinkName | None, has_bootstrap: bool, has_database: bool, environ: Mapping[str, str]
) -> SinkName:
    """The sink that is meant: Kafka where there is one, else Postgres.

    Args:
        named: By ``--sink``.
        has_bootstrap: Whether there is ``--bootstrap``.
        has_database: Whether there is ``--database``.
        environ: The environment; what stands there may be meant for other programs, and decides only where no option
            does.

    Raises:
        UnclearSink: Options contradict one another, or say nothing.
    """
    if has_bootstrap and has_database:
        raise UnclearSink(
            "--bootstrap is of the sink kafka, --database of the sink postgres: give one of them"
        )
    if named == "kafka" and has_database:
        raise UnclearSink("--database is not used by the sink kafka")
    if named == "postgres" and has_bootstrap:
        raise UnclearSink("--bootstrap is not used by the sink postgres")
    if named is not None:
        return named
    if has_database and environ.get(KAFKA_VARIABLE):
        raise UnclearSink(f"{KAFKA_VARIABLE} is set and --database given: say which is meant with --sink")
    if has_bootstrap or environ.get(KAFKA_VARIABLE):
        return "kafka"
    if has_database or environ.get(DATABASE_VARIABLE):
        return "postgres"
    raise UnclearSink(f"nowhere to keep events: {KAFKA_VARIABLE} or {DATABASE_VARIABLE} says where")
