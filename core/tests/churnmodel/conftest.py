from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from churnguard_core.churnmodel.crd import custom_resource_definition
from churnguard_core.churnmodel.parse import parse_churnmodel
from churnguard_core.churnmodel.problems import InvalidChurnModel

Document = dict[str, Any]

HERE = Path(__file__).parent


def merged(base: Document, patch: Document) -> Document:
    """A copy of base with the patch merged into it, mapping by mapping; null removes."""
    result = copy.deepcopy(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


@pytest.fixture(scope="session")
def repository() -> Path:
    return HERE.parents[2]


@pytest.fixture(scope="session")
def rule_cases() -> list[Document]:
    cases: list[Document] = yaml.safe_load((HERE / "rule_cases.yaml").read_text())["cases"]
    return cases


@pytest.fixture(scope="session")
def base() -> Document:
    document: Document = yaml.safe_load((HERE / "rule_cases.yaml").read_text())["base"]
    return document


@pytest.fixture(scope="session")
def patched(base: Document) -> Callable[[Document], Document]:
    """The smallest valid document with a patch merged into it."""
    return lambda patch: merged(base, patch)


@pytest.fixture(scope="session")
def problems_of() -> Callable[[object], list[str]]:
    """What the parser finds wrong, as people read it; empty when the document is valid."""

    def find(document: object) -> list[str]:
        try:
            parse_churnmodel(document)
        except InvalidChurnModel as error:
            return [str(problem) for problem in error.problems]
        return []

    return find


@pytest.fixture(scope="session")
def root_schema() -> Document:
    schema: Document = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema
