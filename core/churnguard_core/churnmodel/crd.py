"""The CustomResourceDefinition, generated from the types and rules.

Structural, closed and bounded. Nothing is ``nullable``: the API server drops an explicit null of such a
field, or puts its default there, so null means absent, as in the parser, and CEL's ``has()`` is true only for
a value. Defaults are written out in full, because the API server judges a default by the CEL rules before it
fills in the defaults inside it.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec import inspect as types

from churnguard_core import names
from churnguard_core.churnmodel.rules import rules_of
from churnguard_core.churnmodel.shapes import MISSING, Field, Shape, fields_of, plain, shape_of
from churnguard_core.churnmodel.status import Status
from churnguard_core.churnmodel.types import ChurnModel, Metadata, Spec

Schema: TypeAlias = dict[str, Any]

OPEN_CHOICE_LENGTH: Final = 64

_CONDITION: Final = '.status.conditions[?(@.type=="{}")].{}'
PRINTER_COLUMNS: Final[tuple[Schema, ...]] = (
    {"name": "Ready", "type": "string", "jsonPath": _CONDITION.format("Ready", "status")},
    {"name": "Reason", "type": "string", "jsonPath": _CONDITION.format("Ready", "reason")},
    {"name": "Revision", "type": "string", "jsonPath": ".status.serving.revision"},
    {"name": "AUC", "type": "string", "jsonPath": ".status.metrics.rocAuc"},
    {"name": "URL", "type": "string", "jsonPath": ".status.url"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {
        "name": "Progressing",
        "type": "string",
        "jsonPath": _CONDITION.format("Progressing", "reason"),
        "priority": 1,
    },
    {"name": "Algorithm", "type": "string", "jsonPath": ".status.serving.algorithm", "priority": 1},
    {"name": "Last trained", "type": "date", "jsonPath": ".status.serving.trained", "priority": 1},
    # A string: kubectl prints a date as the time since, and `<invalid>` for one to come.
    {"name": "Next training", "type": "string", "jsonPath": ".status.nextTrainingTime", "priority": 1},
)


def custom_resource_definition() -> Schema:
    """The whole object, as JSON would hold it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.KIND.lower(),
                "shortNames": [names.SHORT_NAME],
                "categories": [names.CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [dict(column) for column in PRINTER_COLUMNS],
                    "schema": {"openAPIV3Schema": _root()},
                }
            ],
        },
    }


def _root() -> Schema:
    fields = {field.name: field for field in fields_of(ChurnModel)}
    return {
        "type": "object",
        "description": _summary(ChurnModel),
        "required": ["metadata", "spec"],
        "properties": {
            # The API server checks these three itself; it refuses a schema that says more about metadata.
            "apiVersion": {"type": "string", "description": fields["apiVersion"].shape.description},
            "kind": {"type": "string", "description": fields["kind"].shape.description},
            "metadata": {"type": "object"},
            "spec": _struct(Spec),
            "status": _without_defaults(_struct(Status)),
        },
        "x-kubernetes-validations": [*_name_rules(), *_validations(ChurnModel)],
    }


def _name_rules() -> list[Schema]:
    """Bounds of ``metadata.name``, which can only be said in CEL."""
    (name,) = [field.shape for field in fields_of(Metadata) if field.name == "name"]
    assert isinstance(name.type, types.StrType)  # noqa: S101 - for the type checker
    return [
        {
            "rule": f"self.metadata.name.size() <= {name.type.max_length}",
            "message": f"metadata.name must have at most {name.type.max_length} characters",
        },
        {
            "rule": f"self.metadata.name.matches('{name.type.pattern}')",
            "message": f"metadata.name must be {name.expected}",
        },
    ]


def _validations(struct: type[Struct]) -> list[Schema]:
    return [{"rule": rule.cel, "message": rule.message} for rule in rules_of(struct)]


def _struct(struct: type[Struct]) -> Schema:
    fields = fields_of(struct)
    schema: Schema = {
        "type": "object",
        "description": _summary(struct),
        "properties": {field.name: _field(field) for field in fields},
    }
    if required := [field.name for field in fields if field.required]:
        schema["required"] = required
    if validations := _validations(struct):
        schema["x-kubernetes-validations"] = validations
    return schema


def _field(field: Field) -> Schema:
    schema = _schema(field.shape) | {"description": field.shape.description}
    if field.default is not MISSING and field.default is not None:
        schema["default"] = plain(field.default)
    return schema


def _schema(shape: Shape) -> Schema:
    match shape.type:
        case types.StructType(cls=struct):
            return _struct(struct)
        case types.StrType() as text:
            return {"type": "string"} | _given(
                minLength=text.min_length, maxLength=text.max_length, pattern=text.pattern
            )
        case types.IntType() as number:
            return {"type": "integer", "format": "int64"} | _given(minimum=number.ge, maximum=number.le)
        case types.BoolType():
            return {"type": "boolean"}
        case types.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case types.LiteralType(values=values):
            return _choice(shape, [str(value) for value in values])
        case types.VarTupleType() as items:
            return _list(items)
        case types.DictType() as mapping:
            return _map(mapping)
    raise TypeError(f"no schema for {shape.type!r}")


def _choice(shape: Shape, values: list[str]) -> Schema:
    # An open choice is one that the operator writes: an older CRD must not reject a newer operator's words.
    return (
        {"type": "string", "maxLength": OPEN_CHOICE_LENGTH}
        if shape.is_open
        else {"type": "string", "enum": values}
    )


def _list(items: types.VarTupleType) -> Schema:
    item = _schema(shape_of(items.item_type))
    schema = {"type": "array", "items": item} | _given(minItems=items.min_length, maxItems=items.max_length)
    if item["type"] != "object":
        return schema | {"x-kubernetes-list-type": "set"}
    if {"type", "status"} <= item["properties"].keys():
        return schema | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    return schema | {"x-kubernetes-list-type": "atomic"}


def _map(mapping: types.DictType) -> Schema:
    key = shape_of(mapping.key_type).type
    assert isinstance(key, types.StrType)  # noqa: S101 - for the type checker
    return {
        "type": "object",
        "additionalProperties": _schema(shape_of(mapping.value_type)),
        "x-kubernetes-validations": [
            {
                "rule": f"self.all(key, key.size() >= {key.min_length} && key.size() <= {key.max_length})",
                "message": f"keys must have {key.min_length} to {key.max_length} characters",
            }
        ],
    } | _given(maxProperties=mapping.max_length)


def _without_defaults(schema: Schema) -> Schema:
    """The schema of something that only the operator writes: what it left away stays away."""
    kept = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in kept:
        kept["properties"] = {name: _without_defaults(child) for name, child in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = _without_defaults(kept["items"])
    return kept


def _given(**bounds: object) -> Schema:
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _summary(struct: type[Struct]) -> str:
    return (struct.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
