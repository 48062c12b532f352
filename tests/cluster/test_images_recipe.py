"""When an image is built again: when something that reaches it has changed, and only then."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.node.images import recipe

TEXT = """\
ARG BASE=registry/python:3
FROM ${BASE} AS base
FROM base AS tools
COPY requirements.lock .
FROM tools AS serving-plan
COPY core core
COPY serving serving
FROM base AS serving
COPY --from=serving-plan /code /app
ENTRYPOINT ["churnguard-serve"]
FROM tools AS training-plan
COPY core core
COPY training training
FROM base AS training
COPY --from=training-plan /code /app
ENTRYPOINT ["churnguard-train"]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for folder in ("core", "serving", "serving/tests", "training"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "code.py").write_text("pass\n")
    for name, content in {
        "Dockerfile": TEXT,
        ".dockerignore": "*\n",
        "requirements.lock": "",
        "README": "",
    }.items():
        (tmp_path / name).write_text(content)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def keys(repository: Path) -> dict[str, str]:
    return {
        target: recipe.key(target=target, base="base", repository=repository)
        for target in ("serving", "training")
    }


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("serving/code.py", {"serving"}),
        ("serving/new.py", {"serving"}),
        ("training/code.py", {"training"}),
        ("core/code.py", {"serving", "training"}),
        ("requirements.lock", {"serving", "training"}),
        ("Dockerfile", {"serving", "training"}),
        (".dockerignore", {"serving", "training"}),
        ("serving/tests/code.py", set()),
        ("README", set()),
    ],
)
def test_an_edit_changes_the_keys_of_the_images_that_it_reaches(
    repository: Path, file: str, changed: set[str]
) -> None:
    before = keys(repository)
    with (repository / file).open("a") as edited:
        edited.write("# edited\n")
    after = keys(repository)
    assert {target for target in before if before[target] != after[target]} == changed


def test_a_file_that_became_executable_changes_the_key(repository: Path) -> None:
    before = keys(repository)
    (repository / "serving" / "code.py").chmod(0o755)
    assert keys(repository)["serving"] != before["serving"]


def test_another_base_is_another_image(repository: Path) -> None:
    other = recipe.key(target="serving", base="other", repository=repository)
    assert other != keys(repository)["serving"]


def test_every_image_of_the_dockerfile_holds_the_component_of_its_name() -> None:
    text = (recipe.REPOSITORY / recipe.FILE).read_text()
    found = {target: recipe.sources(text, target=target) for target in recipe.targets(text)}
    assert found.keys() == {"collector", "operator", "serving", "streaming", "training"}
    for target, sources in found.items():
        assert {target, "core", "requirements.lock", "tools/image"} <= sources
    assert "training" not in found["serving"]
    assert not {"training", "serving", "scoring"} & found["operator"]
    assert "streaming" not in found["collector"]
    assert "collector" not in found["streaming"]


def test_the_published_base_is_pinned_by_its_digest() -> None:
    assert "@sha256:" in recipe.published_base((recipe.REPOSITORY / recipe.FILE).read_text())


def test_a_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ClusterError, match="COPY one two three"):
        recipe.stages("FROM base AS serving\nCOPY one two three\n")


def test_an_unknown_target_is_told_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="no target console; it has: serving, training"):
        recipe.sources(TEXT, target="console")
