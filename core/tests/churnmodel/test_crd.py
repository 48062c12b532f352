from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import yaml

from churnguard_core import names
from churnguard_core.churnmodel.crd import custom_resource_definition
from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.rules import RULES
from churnguard_core.churnmodel.status import ConditionType

Document = dict[str, Any]

FILE = "manifests/crds/churnguard.dev_churnmodels.yaml"
STRUCTURAL = {
    "type", "format", "description", "default", "enum", "minimum", "maximum", "minLength", "maxLength",
    "pattern", "minItems", "maxItems", "maxProperties", "items", "properties", "required",
    "additionalProperties",
    "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
}  # fmt: skip


def nodes(schema: Document, path: str = "") -> Iterator[tuple[str, Document]]:
    """Every schema below this one, with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


def defaulted(value: Any, schema: Document) -> Any:
    """What the API server makes of a value: at each level absent fields first, then what is inside."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        filled = {name: child["default"] for name, child in properties.items() if "default" in child} | value
        return {name: defaulted(child, properties.get(name, {})) for name, child in filled.items()}
    if isinstance(value, list):
        return [defaulted(item, schema["items"]) for item in value]
    return value


def test_the_file_is_what_the_types_generate(repository: Path) -> None:
    assert yaml.safe_load((repository / FILE).read_text(encoding="utf-8")) == custom_resource_definition()


def test_the_file_is_well_below_what_etcd_and_apply_take(repository: Path) -> None:
    assert (repository / FILE).stat().st_size < 200_000


def test_names_are_the_ones_that_other_components_use() -> None:
    spec = custom_resource_definition()["spec"]
    assert spec["group"] == names.GROUP
    assert spec["scope"] == "Namespaced"
    assert spec["names"] == {
        "kind": "ChurnModel",
        "listKind": "ChurnModelList",
        "plural": "churnmodels",
        "singular": "churnmodel",
        "shortNames": ["chm"],
        "categories": ["churn"],
    }
    (version,) = spec["versions"]
    assert version["name"] == names.VERSION
    assert version["subresources"] == {"status": {}}


def test_the_schema_is_structural(root_schema: Document) -> None:
    for path, node in nodes(root_schema):
        assert isinstance(node["type"], str), path
        assert node.keys() <= STRUCTURAL, path
        assert not {"properties", "additionalProperties"} <= node.keys(), path


def test_every_field_has_a_description(root_schema: Document) -> None:
    for path, node in nodes(root_schema):
        for name, child in node.get("properties", {}).items():
            if (path, name) == ("", "metadata"):
                continue  # the API server refuses a description there
            assert len(child["description"]) > 10, f"{path}.{name}"
            assert child["description"].endswith("."), f"{path}.{name}"


def test_every_text_list_and_map_is_bounded(root_schema: Document) -> None:
    for path, node in nodes(root_schema):
        if path in ("", ".apiVersion", ".kind", ".metadata"):
            continue
        if node["type"] == "string":
            assert node.keys() & {"maxLength", "enum"} or node.get("format") == "date-time", path
        if node["type"] == "array":
            assert node["maxItems"] <= 500, path
            assert "x-kubernetes-list-type" in node, path
        if "additionalProperties" in node:
            assert node["maxProperties"] <= 500, path


def test_patterns_are_free_of_what_re2_does_not_know(root_schema: Document) -> None:
    for path, node in nodes(root_schema):
        pattern = node.get("pattern", "")
        assert not re.search(r"\(\?|\\[bBdDwWsSAZ1-9]", pattern), path


def test_a_default_obeys_its_own_schema_and_is_written_out_in_full(root_schema: Document) -> None:
    found = 0
    for path, node in nodes(root_schema):
        if "default" in node:
            found += 1
            jsonschema.Draft202012Validator(node).validate(node["default"])
            assert defaulted(node["default"], node) == node["default"], path
    assert found > 30


def test_the_api_server_and_the_parser_fill_in_the_same_defaults(
    root_schema: Document, patched: Callable[[Document], Document]
) -> None:
    patches: list[Document] = [
        {},
        {"spec": {"training": {"schedule": {"cron": "0 3 * * 1"}}, "serving": {"route": {"gateway": "g"}}}},
        {"spec": {"serving": {"replicas": {"min": 2}, "levels": {"high": "0.9"}}}},
    ]
    for patch in patches:
        document = patched(patch)
        filled = defaulted(document, root_schema)
        assert filled != document
        assert parse_churnmodel(filled) == parse_churnmodel(document)


def test_status_has_no_defaults_so_that_the_operator_owns_all_of_it(root_schema: Document) -> None:
    assert [path for path, node in nodes(root_schema["properties"]["status"]) if "default" in node] == []


def test_every_rule_is_in_the_schema_once_per_place_with_its_message(root_schema: Document) -> None:
    written = [
        (validation["rule"], validation["message"])
        for _, node in nodes(root_schema)
        for validation in node.get("x-kubernetes-validations", [])
    ]
    for rule in RULES:
        assert (rule.cel, rule.message) in written
    assert len(written) == len(RULES) + 3  # two on metadata.name, one on the keys of a map


def test_cel_reads_only_fields_that_exist(root_schema: Document) -> None:
    for path, node in nodes(root_schema):
        for validation in node.get("x-kubernetes-validations", []):
            for words in re.findall(r"self((?:\.[A-Za-z]+\b(?!\())+)", validation["rule"]):
                here = node
                for word in words.strip(".").split("."):
                    if here is root_schema["properties"]["metadata"]:
                        assert word == "name", path
                        break
                    assert word in here["properties"], (path, words)
                    here = here["properties"][word]


def test_printer_columns_resolve_in_the_schema(root_schema: Document) -> None:
    columns = custom_resource_definition()["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"].upper() for column in columns if "priority" not in column] == [
        "READY", "REASON", "REVISION", "AUC", "URL", "AGE",
    ]  # fmt: skip
    for column in columns:
        if column["jsonPath"] == ".metadata.creationTimestamp":
            continue
        node = root_schema
        for step, condition in re.findall(r"\.(\w+)(\[\?\(@\.type==\"\w+\"\)\])?", column["jsonPath"]):
            node = node["properties"][step]
            if condition:
                assert re.search(r'"(\w+)"', condition)[1] in get_args(ConditionType)  # type: ignore[index]
                node = node["items"]
        assert node["type"] == "string"
        assert (column["type"] == "date") <= (node.get("format") == "date-time")


def test_conditions_are_a_map_by_type(root_schema: Document) -> None:
    conditions = root_schema["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert {"type", "status", "reason", "lastTransitionTime"} <= set(conditions["items"]["required"])
