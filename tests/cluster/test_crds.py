"""Custom resource definitions are found in the files and folders of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from churnguard_cluster.cluster import OWN_DEFINITIONS
from churnguard_cluster.crds import NAME, conditions, definitions
from churnguard_cluster.errors import ClusterError

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    some/name: x
  name: {name}
spec:
  group: example.org
"""


def names(source: Path) -> list[str]:
    return [match[1] for text in definitions(source) for match in [NAME.search(text)] if match]


def test_each_document_of_each_file_of_a_folder_is_found_and_nothing_else(tmp_path: Path) -> None:
    two = (
        "---\n# a licence\n"
        + DEFINITION.format(name="a.example.org")
        + "---\n"
        + DEFINITION.format(name='"b.example.org"')
    )
    (tmp_path / "1.yaml").write_text(two)
    (tmp_path / "2.yaml").write_text(DEFINITION.format(name="c.example.org"))
    (tmp_path / "kustomization.yaml").write_text("kind: Kustomization\nresources: [1.yaml]\n")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "3.yaml").write_text(DEFINITION.format(name="d.example.org"))
    assert names(tmp_path) == ["a.example.org", "b.example.org", "c.example.org"]
    assert names(tmp_path / "2.yaml") == ["c.example.org"]


def test_a_folder_without_definitions_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=f"no custom resource definition in {tmp_path}"):
        list(definitions(tmp_path))


def test_our_own_definition_is_found() -> None:
    assert [name for folder in OWN_DEFINITIONS for name in names(folder)] == ["churnmodels.churnguard.dev"]


@pytest.mark.parametrize("document", [{}, {"status": {}}, {"status": {"conditions": None}}])
def test_an_object_that_nobody_has_looked_at_has_no_conditions(document: dict[str, dict[str, None]]) -> None:
    assert conditions(document) == {}
