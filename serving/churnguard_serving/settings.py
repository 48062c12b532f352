"""Serving settings: what is applied to scores and may change without training (levels, insights, limits)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from churnguard_core.churnmodel.scalars import Part
from churnguard_core.churnmodel.types import Insight, Levels

MOST_BYTES = 1024 * 1024


class Limits(Part, frozen=True, kw_only=True):
    """Bounds of one request."""

    max_body_bytes: Annotated[int, Meta(ge=1024, le=256 * 1024 * 1024)] = 8 * 1024 * 1024
    max_instances: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000


class Settings(Part, frozen=True, kw_only=True):
    """``levels`` and ``insights`` as in ``spec.serving`` of a ChurnModel, and ``limits``."""

    levels: Levels = Levels()
    insights: tuple[Insight, ...] = ()
    limits: Limits = Limits()


class InvalidSettings(ValueError):  # noqa: N818 - names what it is about
    """The file of settings cannot be used; the message says why."""


def parse_settings(data: bytes) -> Settings:
    """Settings from JSON.

    Raises:
        InvalidSettings: It is no JSON, or a field is unknown, of a wrong type or out of its bounds.
    """
    if len(data) > MOST_BYTES:
        raise InvalidSettings(f"larger than {MOST_BYTES // 1024} KiB")
    try:
        settings = msgspec.json.decode(data, type=Settings)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidSettings(str(error)) from None
    if float(settings.levels.medium) > float(settings.levels.high):
        raise InvalidSettings("levels.medium must not exceed levels.high - at `$.levels`")
    return settings
