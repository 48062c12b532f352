"""The reference page of events, generated from the types of the contract.

The types say which fields there are; what each means stands here. A field, reason or topic without a meaning fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import getdoc
from typing import Final, get_args

from msgspec import Struct
from msgspec import inspect as types
from msgspec.structs import FieldInfo, fields

from churnguard_core.events import limits, topics
from churnguard_core.events.bad import BadEvent
from churnguard_core.events.envelope import ENVELOPE_VERSION, Envelope
from churnguard_core.events.messages import MESSAGE_TYPES, REQUIRED, Message, MessageType
from churnguard_core.events.reference_texts import (
    BAD_EVENT,
    ENVELOPE,
    INTRODUCTION,
    KEPT,
    KEPT_OF_BAD,
    MESSAGE,
    REASONS,
    RECORDS,
    RESULTS_INTRODUCTION,
    SOMEBODY,
    TOPICS,
    TYPES,
    VERDICTS,
    VOCABULARY_INTRODUCTION,
)
from churnguard_core.events.results import DropReason, RetryReason, Verdict
from churnguard_core.events.vocabulary import VOCABULARY, Item, Properties

_LIMITS: Final = (
    ("an event", f"{limits.MOST_EVENT_BYTES // 1024} KiB"),
    ("events of a batch", limits.MOST_BATCH),
    ("characters of an id", limits.MOST_ID),
    ("characters of the name of an event, a page or a screen", limits.MOST_NAME),
    ("entries of `properties`, `traits` or `context`", limits.MOST_PROPERTIES),
    ("objects and lists within one another, in each of these", limits.MOST_NESTING),
)


def events_page() -> str:
    """The page as Markdown."""
    parts = [
        INTRODUCTION,
        "## What is sent\n",
        _table(("type", "says", "needs"), [_type_row(name) for name in MESSAGE_TYPES]),
        SOMEBODY,
        _fields(Message, meanings=MESSAGE),
        "### Limits\n",
        _table(("of", "at most"), _LIMITS),
        *_vocabulary(),
        *_results(),
        "## What is kept\n",
        KEPT.format(version=ENVELOPE_VERSION, topic=topics.EVENTS),
        _fields(Envelope, meanings=ENVELOPE),
        KEPT_OF_BAD.format(topic=topics.BAD_EVENTS),
        _fields(BadEvent, meanings=BAD_EVENT),
        *_topics(),
    ]
    return "\n".join(parts)


def _type_row(name: MessageType) -> tuple[str, str, str]:
    needed = [_encoded(Message, field) for field in REQUIRED[name]]
    return (f"`{name}`", TYPES[name], ", ".join(f"`{field}`" for field in needed))


def _encoded(struct: type[Struct], name: str) -> str:
    return next(field.encode_name for field in fields(struct) if field.name == name)


def _vocabulary() -> Iterable[str]:
    yield "## Vocabulary\n"
    yield VOCABULARY_INTRODUCTION
    kinds: dict[type[Properties], list[str]] = {}
    for name, kind in VOCABULARY.items():
        kinds.setdefault(kind, []).append(name)
    for kind, names in kinds.items():
        yield f"### {kind.__name__}\n"
        yield f"{_said(kind)} {', '.join(f'`{name}`' for name in names)}.\n"
        yield _table(("property", "type"), [_property_row(field) for field in fields(kind)])
    yield f"### {Item.__name__}\n"
    yield f"{_said(Item)}\n"
    yield _table(("property", "type"), [_property_row(field) for field in fields(Item)])


def _property_row(field: FieldInfo) -> tuple[str, str]:
    needed = ", needed" if field.required else ""
    return (f"`{field.encode_name}`", _type(types.type_info(field.type)) + needed)


def _results() -> Iterable[str]:
    yield "## What is answered\n"
    yield RESULTS_INTRODUCTION
    yield _table(("result", "means"), [(f"`{name}`", VERDICTS[name]) for name in get_args(Verdict)])
    drops, retries = _literals(DropReason), _literals(RetryReason)
    rows = [
        (f"`{name}`", "`drop`" if name in drops else "`retry`", meaning, remedy)
        for name in (*drops, *retries)
        for meaning, remedy in [REASONS[name]]
    ]
    yield _table(("reason", "result", "means", "what to do"), rows)


def _literals(union: object) -> Sequence[str]:
    """All words of a Literal, or of several."""
    words: list[str] = []
    for each in get_args(union):
        words += _literals(each) if get_args(each) else [each]
    return words


def _topics() -> Iterable[str]:
    yield "## Topics\n"
    known = (topics.EVENTS, topics.BAD_EVENTS, topics.ERASURES)
    yield _table(("topic", "holds", "key"), [(f"`{name}`", *TOPICS[name]) for name in known])
    example = topics.record_key(workspace="demo", subject="k1_0f3a").decode()
    yield RECORDS.format(key=example)


def _fields(struct: type[Struct], *, meanings: Mapping[str, str]) -> str:
    rows = [
        (f"`{field.encode_name}`", _type(types.type_info(field.type)), meanings[field.encode_name])
        for field in fields(struct)
    ]
    return _table(("field", "type", "meaning"), rows)


def _type(found: types.Type) -> str:
    match found:
        case types.UnionType(types=parts):
            return " or ".join(_type(part) for part in parts if not isinstance(part, types.NoneType))
        case types.Metadata(type=inner):
            return _type(inner)
        case types.VarTupleType(item_type=types.StructType(cls=cls)):
            return f"list of [{cls.__name__}](#{cls.__name__.lower()})" if cls is Item else "list of objects"
        case types.LiteralType(values=values):
            return ("one of " if len(values) > 1 else "") + ", ".join(f"`{value}`" for value in values)
        case types.DateTimeType():
            return "time"
        case types.StrType():
            return "text"
        case types.IntType():
            return "whole number"
        case types.FloatType():
            return "number"
        case types.RawType():
            return "object"
    raise TypeError(f"no words for {found!r}")


def _said(struct: type[Struct]) -> str:
    return (getdoc(struct) or "").partition("\n\n")[0].replace("``", "`")


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(str(cell) for cell in line)} |" for line in (heads, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(heads), *lines[1:]]) + "\n"
