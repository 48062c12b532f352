"""The reference page of the ChurnModel, generated from the types, rules and reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec import inspect as types

from churnguard_core import names
from churnguard_core.churnmodel.crd import PRINTER_COLUMNS
from churnguard_core.churnmodel.remedies import EVENTS, REMEDIES, TOLD_OF_CONDITIONS
from churnguard_core.churnmodel.rules import rules_of
from churnguard_core.churnmodel.shapes import MISSING, Field, Shape, fields_of, plain, shape_of
from churnguard_core.churnmodel.status import REASONS, REASONS_OF, ConditionReason, Status
from churnguard_core.churnmodel.types import ChurnModel, Metadata, Spec

EXAMPLE: Final = """\
apiVersion: churnguard.dev/v1alpha1
kind: ChurnModel
metadata:
  name: telco
spec:
  data:
    source:
      simulator: {}
    columns:
      id: customerID
      label: {name: Churn, positive: "Yes"}
  gates:
    - {metric: rocAuc, min: "0.80"}
"""

_INTRODUCTION: Final = f"""\
<!-- Generated from core/churnguard_core/churnmodel by `make generate`; do not edit. -->
# ChurnModel

`{names.API_VERSION}`, short name `{names.SHORT_NAME}`, category `{names.CATEGORY}`, namespaced.
One object carries a churn model's whole life cycle: its data, how it is trained, how good it must be, how it
is served. The smallest useful one:

```yaml
{EXAMPLE}```

* Required fields are marked; every other field may be left away or null, and then takes its default.
* Fractions and other decimal numbers are strings, because floats do not survive every client unchanged.
* Unknown fields are errors, so a misspelt field never passes in silence.
* A list of words is a set: no word twice.
* `churnguard validate FILE` names every problem at once, with its path.
* `kubectl explain {names.SHORT_NAME}.spec` shows the descriptions below.

[How a revision lives](../revision.md) tells what comes of it on a cluster.
"""

_REASONS: Final = f"""\
## Conditions and their reasons

Progressing says what is going on, and why nothing is; Ready repeats the reason of what stands in its way. The
message beside a reason has the names: those for `JOB`, `REVISION` and `NAME` (an InferenceService) are also in
`status.training`, `status.serving` and `status.candidate`. `MODEL` is the ChurnModel's own. To ask for a training:

```sh
kubectl annotate {names.SHORT_NAME} MODEL --overwrite {names.ANNOTATION_TRAIN_REQUESTED_AT}="$(date -u +%FT%TZ)"
```

| reason | meaning | of | what to do |
|---|---|---|---|
"""

_EVENTS: Final = f"""\
## Events

`kubectl events --for {names.SHORT_NAME}/MODEL` lists them, and so does `kubectl describe`. One is sent per change.

| event | type | meaning | what to do |
|---|---|---|---|
"""


def reference_page() -> str:
    """The page as Markdown."""
    parts = [
        _INTRODUCTION,
        _section("metadata", struct=Metadata),
        *_sections("spec", struct=Spec),
        _object_rules(),
        "## Status\n\nWritten by the operator. Conditions are observations; there is no phase.\n",
        *_sections("status", struct=Status),
        _reasons(),
        _events(),
        _columns(),
    ]
    return "\n".join(parts)


def _sections(path: str, *, struct: type[Struct]) -> Iterator[str]:
    """The section of a struct, then those of the structs inside it, depth first."""
    yield _section(path, struct=struct)
    for field in fields_of(struct):
        inner = field.shape.type
        below = f"{path}.{field.name}"
        if isinstance(inner, types.VarTupleType):
            inner, below = shape_of(inner.item_type).type, f"{below}[]"
        if isinstance(inner, types.StructType):
            yield from _sections(below, struct=inner.cls)


def _section(path: str, *, struct: type[Struct]) -> str:
    lines = [
        f"## `{path}`",
        "",
        (struct.__doc__ or "").partition("\n\n")[0],
        "",
        "| field | type | default | meaning |",
        "|---|---|---|---|",
        *(_row(field) for field in fields_of(struct)),
    ]
    if rules := rules_of(struct):
        lines += ["", "Rules:", "", *(f"* {rule.message}" for rule in rules)]
    return "\n".join(lines) + "\n"


def _row(field: Field) -> str:
    cells = (f"`{field.name}`", _type(field.shape), _default(field), field.shape.description)
    return _cells(*cells)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(field: Field) -> str:
    if field.required:
        return "**required**"
    if field.default is MISSING or field.default is None or isinstance(field.default, Struct):
        return ""
    return f"`{json.dumps(plain(field.default))}`"


def _type(shape: Shape) -> str:
    match shape.type:
        case types.StructType():
            return "object"
        case types.StrType(pattern=str()):
            return f"string: {shape.expected}"
        case types.StrType() as text:
            return f"string{_between(text.min_length, text.max_length, unit=' characters')}"
        case types.IntType() as number:
            return f"integer{_between(number.ge, number.le, unit='')}"
        case types.BoolType():
            return "boolean"
        case types.DateTimeType():
            return "time"
        case types.LiteralType(values=values):
            return "one of " + ", ".join(f"`{value}`" for value in values) if not shape.is_open else "word"
        case types.VarTupleType() as items:
            bounds = _between(items.min_length, items.max_length, unit=" entries")
            return f"list{bounds} of {_type(shape_of(items.item_type))}"
        case types.DictType() as mapping:
            bounds = _between(mapping.min_length, mapping.max_length, unit=" entries")
            return f"map{bounds} to {_type(shape_of(mapping.value_type))}"
    raise TypeError(f"no words for {shape.type!r}")


def _between(low: int | None, high: int | None, *, unit: str) -> str:
    if low is not None and high is not None:
        return f" ({low:,} to {high:,}{unit})"
    if high is not None:
        return f" (at most {high:,}{unit})"
    return f" (at least {low:,}{unit})" if low is not None else ""


def _object_rules() -> str:
    rules = "\n".join(f"* {rule.message}" for rule in rules_of(ChurnModel))
    return f"## Rules on the whole object\n\n{rules}\n"


def _reasons() -> str:
    rows = [
        _cells(f"`{reason}`", meaning, ", ".join(_conditions_of(reason)), REMEDIES[reason])
        for reason, meaning in REASONS.items()
    ]
    return _REASONS + "\n".join(rows) + "\n"


def _conditions_of(reason: ConditionReason) -> Iterator[str]:
    return (condition for condition, reasons in REASONS_OF.items() if reason in reasons)


def _events() -> str:
    rows = [
        _cells(f"`{reason}`", event.type, event.meaning, event.remedy) for reason, event in EVENTS.items()
    ]
    others = ", ".join(f"`{reason}`" for reason in TOLD_OF_CONDITIONS)
    return _EVENTS + "\n".join(rows) + f"\n\nThese tell, as a Warning, of the reason above: {others}.\n"


def _columns() -> str:
    lines = [
        "## Columns of `kubectl get`",
        "",
        "The lower ones show with `-o wide`.",
        "",
        "| column | path |",
        "|---|---|",
        *(f"| {column['name'].upper()} | `{column['jsonPath']}` |" for column in PRINTER_COLUMNS),
    ]
    return "\n".join(lines) + "\n"
