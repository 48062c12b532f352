"""Which of upstream's replaced and excluded modules ours has to repeat."""

from __future__ import annotations

from typing import Any

import pytest
from provision import replacements
from provision.catalogue import KUBERNETES, MODULES_OF_UPSTREAM, Module
from provision.errors import ToolError
from provision.replacements import Overrides, declared, edits, wanted

NONE = Overrides(replaced=frozenset(), excluded=frozenset())


def go_mod(*, path: str, replace: list[tuple[dict[str, str], dict[str, str]]]) -> dict[str, Any]:
    return {"Module": {"Path": path}, "Replace": [{"Old": old, "New": new} for old, new in replace]}


def test_what_upstream_replaces_by_a_published_version_is_repeated() -> None:
    said = go_mod(
        path="example.test/ship", replace=[({"Path": "a.test/a"}, {"Path": "b.test/a", "Version": "v1.0.0"})]
    )
    assert wanted(upstream=said, version="v2.0.0").replaced == {("a.test/a", "b.test/a@v1.0.0")}


def test_a_replacement_of_one_version_stays_one_of_that_version() -> None:
    said = go_mod(
        path="example.test/ship",
        replace=[({"Path": "a.test/a", "Version": "v0.9.0"}, {"Path": "a.test/a", "Version": "v1.0.0"})],
    )
    assert wanted(upstream=said, version="v2.0.0").replaced == {("a.test/a@v0.9.0", "a.test/a@v1.0.0")}


def test_a_folder_of_upstreams_own_tree_is_not_repeated() -> None:
    said = go_mod(path="example.test/ship", replace=[({"Path": "example.test/rope"}, {"Path": "../rope"})])
    assert wanted(upstream=said, version="v2.0.0") == NONE


def test_a_staging_module_of_kubernetes_becomes_its_published_twin() -> None:
    said = go_mod(
        path=KUBERNETES.upstream,
        replace=[({"Path": "k8s.io/api"}, {"Path": "./staging/src/k8s.io/api"})],
    )
    assert wanted(upstream=said, version="v1.34.4").replaced == {("k8s.io/api", "k8s.io/api@v0.34.4")}


def test_what_upstream_excludes_is_excluded() -> None:
    said = {
        "Module": {"Path": "example.test/ship"},
        "Replace": None,
        "Exclude": [{"Path": "a.test/a", "Version": "v1.0.0"}],
    }
    assert wanted(upstream=said, version="v2.0.0").excluded == {"a.test/a@v1.0.0"}


def test_equal_overrides_need_no_edit() -> None:
    same = Overrides(
        replaced=frozenset({("a.test/a", "a.test/a@v1.0.0")}), excluded=frozenset({"b.test/b@v1.0.0"})
    )
    assert edits(ours=same, upstream=same) == []


def test_edits_drop_what_is_gone_and_add_what_came() -> None:
    ours = Overrides(
        replaced=frozenset({("a.test/a", "a.test/a@v1.0.0")}), excluded=frozenset({"b.test/b@v1.0.0"})
    )
    upstream = Overrides(
        replaced=frozenset({("a.test/a", "a.test/a@v2.0.0")}), excluded=frozenset({"c.test/c@v1.0.0"})
    )
    assert edits(ours=ours, upstream=upstream) == [
        "-dropreplace=a.test/a",
        "-replace=a.test/a=a.test/a@v2.0.0",
        "-dropexclude=b.test/b@v1.0.0",
        "-exclude=c.test/c@v1.0.0",
    ]


def test_a_go_mod_without_overrides_declares_none() -> None:
    assert declared({"Module": {"Path": "example.test/ship"}, "Replace": None, "Exclude": None}) == NONE


@pytest.mark.parametrize("module", MODULES_OF_UPSTREAM, ids=lambda module: module.name)
def test_our_go_mod_replaces_and_excludes_what_upstreams_does(module: Module) -> None:
    try:
        version = replacements.pinned_version(module=module)
        upstream = replacements.upstream_go_mod(module=module, version=version)
    except ToolError as error:
        pytest.skip(f"upstream's go.mod cannot be read: {error}")
    assert replacements.differences(module=module, upstream=upstream) == []
