"""The contract as JSON Schema, for those who do not write Python."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any, Final

import msgspec

from churnguard_core.events.bad import BadEvent
from churnguard_core.events.envelope import Envelope
from churnguard_core.events.messages import Message
from churnguard_core.events.results import Answer
from churnguard_core.events.vocabulary import VOCABULARY

_REF: Final = "#/$defs/{name}"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def events_schema() -> dict[str, Any]:
    """All that is sent, answered and kept; ``vocabulary`` leads from an event's name to its properties."""
    parts = {"message": Message, "answer": Answer, "envelope": Envelope, "badEvent": BadEvent}
    properties = {kind.__name__: kind for kind in VOCABULARY.values()}
    shapes, definitions = msgspec.json.schema_components(
        [*parts.values(), *properties.values()], ref_template=_REF
    )
    by_kind = dict(zip([*parts, *properties], shapes, strict=True))
    return {
        "$schema": _DIALECT,
        "title": "ChurnGuard events",
        "type": "object",
        "properties": {name: by_kind[name] for name in parts}
        | {
            "vocabulary": {
                "type": "object",
                "properties": {name: by_kind[kind.__name__] for name, kind in VOCABULARY.items()},
            }
        },
        "$defs": _described(definitions),
    }


def _described(part: Any) -> Any:
    """The same with descriptions that do not depend on the Python: from 3.13 on, docstrings lose their indentation."""
    if isinstance(part, list):
        return [_described(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: cleandoc(value) if name == "description" and isinstance(value, str) else _described(value)
        for name, value in part.items()
    }
