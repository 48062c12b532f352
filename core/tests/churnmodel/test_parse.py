from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path as File
from types import MappingProxyType
from typing import Any
from unittest import mock

import hypothesis.strategies as st
import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from msgspec import Struct
from msgspec import inspect as types

from churnguard_core.churnmodel import parse
from churnguard_core.churnmodel.conversion import converted
from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.problems import InvalidChurnModel
from churnguard_core.churnmodel.rules import RULES
from churnguard_core.churnmodel.shapes import Field, Shape, fields_of, shape_of
from churnguard_core.churnmodel.types import ChurnModel

Document = dict[str, Any]
Path = tuple[str | int, ...]

URIS = st.sampled_from(["pvc://claim/a.csv", "s3://bucket/b/c.csv.gz", "file:///data/d.parquet"])
RULE_MESSAGES = {rule.message for rule in RULES}


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """JSON values that fit a shape, up to the rules that join fields."""
    match shape.type:
        case types.StructType(cls=struct):
            return objects(struct)
        case types.StrType(pattern=str(pattern), max_length=longest) if "://" not in pattern:
            return st.from_regex(pattern.removesuffix("$") + r"\Z", fullmatch=True).filter(
                lambda text: len(text) <= (longest or 0)
            )
        case types.StrType(pattern=str()):
            return URIS
        case types.StrType(min_length=shortest, max_length=longest):
            return st.text(min_size=shortest or 0, max_size=min(longest or 0, 12))
        case types.IntType(ge=low, le=high):
            return st.integers(low, high)
        case types.BoolType():
            return st.booleans()
        case types.LiteralType(values=choices):
            return st.sampled_from(list(choices))
        case types.VarTupleType(item_type=item, min_length=shortest):
            unique = {"unique": True} if not isinstance(shape_of(item).type, types.StructType) else {}
            return st.lists(values(shape_of(item)), min_size=shortest or 0, max_size=3, **unique)  # type: ignore[arg-type]
        case types.DictType(key_type=key, value_type=value):
            return st.dictionaries(values(shape_of(key)), values(shape_of(value)), max_size=3)
    raise TypeError(shape)


def objects(struct: type[Struct]) -> st.SearchStrategy[Document]:
    """Mappings of a struct's fields; what is not required may be absent or null."""
    required = {field.name: values(field.shape) for field in fields_of(struct) if field.required}
    optional = {field.name: _or_null(field) for field in fields_of(struct) if not field.required}
    return st.fixed_dictionaries(required, optional=optional)


def _or_null(field: Field) -> st.SearchStrategy[Any]:
    return st.one_of(values(field.shape), st.none())


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(element) for key, element in value.items() if element is not None}
    if isinstance(value, list):
        return [without_nulls(element) for element in value]
    return value


def obeying(document: Document) -> Document:
    """The document with the values mended that break a rule most often, so that few are thrown away."""
    document |= {"apiVersion": "churnguard.dev/v1alpha1", "kind": "ChurnModel"}
    spec = document["spec"]
    source = spec["data"]["source"]
    for name in [name for name, value in source.items() if value is not None][1:]:
        source[name] = None
    if all(value is None for value in source.values()):
        source["simulator"] = {}
    serving = spec.get("serving") or {}
    serving.pop("revision", None)
    for insight in serving.get("insights") or []:
        insight["when"] = {"feature": insight["when"]["feature"], "equals": "x"}
    for name in ("levels", "replicas"):
        serving.pop(name, None)
    for gate in spec.get("gates") or []:
        gate |= {"min": "0.5", "max": None}
    return document


DOCUMENTS = objects(ChurnModel).map(obeying)


def reading(document: object) -> ChurnModel | list[tuple[str, str]]:
    """The model, or all problems."""
    try:
        return parse_churnmodel(document)
    except InvalidChurnModel as error:
        return [(problem.path, problem.message) for problem in error.problems]


def close_reading(document: object) -> ChurnModel | list[tuple[str, str]]:
    """The same by the walk along all fields alone."""
    with mock.patch.object(parse, "converted", return_value=None):
        return reading(document)


def problems_in(document: object) -> list[tuple[str, str]]:
    found = reading(document)
    return found if isinstance(found, list) else []


def places(document: Any, here: Path = ()) -> list[Path]:
    """Every path of a document, its own included."""
    if isinstance(document, dict):
        return [here] + [place for key, value in document.items() for place in places(value, (*here, key))]
    if isinstance(document, list):
        return [here] + [place for key, value in enumerate(document) for place in places(value, (*here, key))]
    return [here]


STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\[(\"(?:[^\"\\]|\\.)*\")\]")


def steps(path: str) -> list[str | int]:
    found = list(STEP.finditer(path))
    assert "".join(match[0] for match in found) == path, path
    return [
        match[1] if match[1] else int(match[2]) if match[2] else msgspec.json.decode(match[3])
        for match in found
    ]


def exists(document: Any, path: list[str | int]) -> bool:
    for step in path:
        if not (step in document if isinstance(document, dict) else step in range(len(document))):
            return False
        document = document[step]
    return True


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("0.5"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def mutants(draw: st.DrawFn) -> Document:
    """A document with one value replaced, removed, or added under a name that is not known."""
    document = copy.deepcopy(draw(DOCUMENTS))
    *above, last = draw(st.sampled_from(places(document)[1:]))
    parent = document
    for step in above:
        parent = parent[step]  # type: ignore[index]
    change = draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "replace":
        parent[last] = draw(JSON_VALUES)  # type: ignore[index]
    elif change == "remove":
        del parent[last]  # type: ignore[arg-type]
    elif isinstance(parent, dict):
        parent[draw(st.sampled_from(["extra", "nmae", "spec"]))] = draw(JSON_VALUES)
    return document


LAX: dict[type, list[Callable[[Any], Any]]] = {
    str: [lambda text: text + "\n", lambda text: text.encode(), lambda _: True],
    int: [float, str, bool],
    bool: [int, str],
    list: [
        tuple,
        lambda items: MappingProxyType(dict(enumerate(items))),
        lambda items: items + items[:1],
        lambda items: {str(item) for item in items},
    ],
    dict: [MappingProxyType, list, lambda mapping: {**mapping, 1: 1}],
}
"""Changes of a value, by its type, into one that a laxer reader would take for the same."""


@st.composite
def laxly_written(draw: st.DrawFn) -> Document:
    """A document with one value, or none, in the likeness of what it should be."""
    document = copy.deepcopy(draw(DOCUMENTS))
    *above, last = draw(st.sampled_from(places(document)[1:]))
    parent = document
    for step in above:
        parent = parent[step]  # type: ignore[index]
    value = parent[last]  # type: ignore[index]
    parent[last] = draw(st.sampled_from([lambda same: same, *LAX.get(type(value), [])]))(value)  # type: ignore[index]
    return document


relaxed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)


@relaxed
@given(document=DOCUMENTS)
def test_a_valid_document_parses_to_what_msgspec_converts(document: Document) -> None:
    assume({message for _, message in problems_in(document)} <= RULE_MESSAGES)
    assume(not problems_in(document))
    assert parse_churnmodel(document) == msgspec.convert(without_nulls(document), ChurnModel)


@relaxed
@given(document=DOCUMENTS)
def test_only_rules_can_be_broken_by_values_that_fit_their_types(document: Document) -> None:
    assert {message for _, message in problems_in(document)} <= RULE_MESSAGES


@relaxed
@given(document=mutants())
def test_a_mutant_is_parsed_or_refused_with_paths_that_exist(document: Document) -> None:
    for path, message in problems_in(document):
        wanted = steps(path)
        assert exists(document, wanted) or (
            message.startswith("required") and exists(document, wanted[:-1]) and wanted[-1] != "status"
        ), (path, message)


@relaxed
@given(document=mutants())
def test_the_parser_and_the_schema_of_the_crd_agree(document: Document, root_schema: Document) -> None:
    # The API server drops nulls first; it checks identity, unknown fields and sets by other means.
    spec = without_nulls(document).get("spec")
    fits = jsonschema.Draft202012Validator(root_schema["properties"]["spec"]).is_valid(spec)
    elsewhere = ("apiVersion", "kind", "metadata")
    found = [
        (path, message)
        for path, message in problems_in(document)
        if not path.startswith(elsewhere)
        and message not in RULE_MESSAGES
        and "unknown field" not in message
        and "in the list already" not in message
    ]
    assume(not any(path.startswith(elsewhere) for path, _ in problems_in(document)))
    assume(not any("got nothing" in message for _, message in found))
    assume(not any(re.search(r"whole number, got -?\d+\.0+$", message) for _, message in found))
    assert fits == (not found), found


@settings(relaxed, max_examples=200)
@given(document=st.one_of(DOCUMENTS, mutants(), laxly_written()))
def test_the_quick_way_and_the_walk_find_the_same(document: Document) -> None:
    assert reading(document) == close_reading(document)


def test_the_quick_way_and_the_walk_judge_rules_alike(
    rule_cases: list[Document], patched: Callable[[Document], Document]
) -> None:
    for case in rule_cases:
        for patch in (*case["accepted"], *case["rejected"]):
            assert reading(patched(patch)) == close_reading(patched(patch)), patch


def test_a_sound_document_is_not_walked(repository: File) -> None:
    for file in (repository / "manifests" / "samples").glob("*.yaml"):
        sample = yaml.safe_load(file.read_text())
        sample["metadata"] |= {"uid": "x", "managedFields": [{}]}
        sample["status"] = {"anything": [1]}
        with mock.patch.object(parse, "_struct", side_effect=AssertionError("walked")):
            assert parse_churnmodel(sample).metadata.name == sample["metadata"]["name"]


def test_what_is_not_written_as_json_has_it_is_left_to_the_walk(
    patched: Callable[[Document], Document],
) -> None:
    assert converted(patched({})) is not None
    for patch in (
        {"spec": {"training": {"retries": 2.0}}},
        {"spec": {"training": {"algorithms": {"XGBoost"}}}},
        {"spec": {"training": {"schedule": {"cron": "0 3 * * 1\n"}}}},
        {"spec": {"data": {"columns": {"exclude": ["a", "a"]}}}},
    ):
        assert converted(patched(patch)) is None, patch


@relaxed
@given(value=JSON_VALUES)
def test_any_json_is_refused_in_words(value: object) -> None:
    with pytest.raises(InvalidChurnModel):
        parse_churnmodel(value)


def test_null_means_absent(patched: Callable[[Document], Document]) -> None:
    document = patched({})
    document["spec"] |= {"store": None, "training": None, "gates": None, "suspend": None}
    document["spec"]["data"]["columns"] |= {"time": None, "exclude": None, "types": None}
    assert parse_churnmodel(document) == parse_churnmodel(patched({}))


def test_every_pattern_is_anchored_and_explained() -> None:
    seen: list[Struct | type[Struct]] = []

    def walk(struct: type[Struct]) -> None:
        seen.append(struct)
        for field in fields_of(struct):
            shape = field.shape
            if isinstance(shape.type, types.VarTupleType):
                shape = shape_of(shape.type.item_type)
            if isinstance(shape.type, types.StrType) and shape.type.pattern is not None:
                assert shape.type.pattern.startswith("^"), field
                assert shape.type.pattern.endswith("$"), field
                assert shape.expected, field
            if isinstance(shape.type, types.StructType):
                walk(shape.type.cls)

    walk(ChurnModel)
    assert len(seen) > 15
