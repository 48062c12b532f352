"""What is in our images, and what is not; read from their archives."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from typing import IO, Any, Final

import pytest

from churnguard_cluster.node.images.image import Image

pytestmark = pytest.mark.cluster

# Megabytes on top of the base.
LIMITS: Final = {"collector": 120, "operator": 120, "serving": 500, "streaming": 110, "training": 850}
PROGRAMS: Final = {
    "collector": "churnguard-collector",
    "operator": "churnguard-operator",
    "serving": "churnguard-serve",
    "streaming": "churnguard-land",
    "training": "churnguard-train",
}
UNWANTED_PROGRAMS: Final = {"cc", "gcc", "g++", "make", "pip", "pip3", "uv", "hatchling"}
UNWANTED_PACKAGES: Final = {"pip", "uv", "hatchling", "pytest"}
LEARNS: Final = {"churnguard_scoring", "churnguard_serving", "churnguard_training", "numpy", "xgboost"}
FOREIGN: Final = {
    "collector": {*LEARNS, "churnguard_operator", "churnguard_streaming"},
    # kopf takes what it finds: beside the official client it would log in by that.
    "operator": {"churnguard_scoring", "churnguard_serving", "churnguard_training", "kubernetes", "numpy"},
    "serving": {"churnguard_operator", "churnguard_training"},
    "streaming": {*LEARNS, "churnguard_collector", "churnguard_operator", "fastapi"},
    "training": {"churnguard_operator", "churnguard_serving"},
}


@dataclass(frozen=True, kw_only=True)
class Content:
    """An image as a container sees it: its configuration, and the files of all layers, base included."""

    component: str
    image: Image
    config: dict[str, Any]
    files: set[str]

    def programs(self) -> set[str]:
        return {name.rpartition("/")[2] for name in self.files if name.rpartition("/")[0].endswith("bin")}

    def packages(self) -> set[str]:
        return {name.split("-packages/")[1].split("/")[0] for name in self.files if "-packages/" in name}


def with_layer(files: set[str], names: list[str]) -> set[str]:
    """What a container sees when this layer lies on those files."""
    added, gone = set[str](), set[str]()
    for name in names:
        folder, slash, last = name.removeprefix("./").rpartition("/")
        path = f"{folder}{slash}{last.removeprefix('.wh.')}"
        (gone if last.startswith(".wh.") else added).add(path)
    kept = {each for each in files if not gone & {each, *_parents(each)}}
    return kept | added


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


@pytest.fixture(scope="module", params=sorted(LIMITS))
def content(request: pytest.FixtureRequest, images: dict[str, Image]) -> Content:
    image = images[request.param]
    files: set[str] = set()
    with tarfile.open(image.archive) as archive:
        (saved,) = json.load(_opened(archive, "manifest.json"))
        config = json.load(_opened(archive, saved["Config"]))["config"]
        for name in saved["Layers"]:
            with tarfile.open(fileobj=_opened(archive, name)) as layer:
                files = with_layer(files, layer.getnames())
    return Content(component=request.param, image=image, config=config, files=files)


def _opened(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    content = archive.extractfile(name)
    assert content is not None
    return content


def test_an_image_is_small(content: Content) -> None:
    print(content.image.describe())
    assert content.image.megabytes_on_base <= LIMITS[content.component]


def test_an_image_runs_its_program_as_nobody_in_particular(content: Content) -> None:
    assert content.config["User"] == "65532:65532"
    assert content.config["Entrypoint"] == [PROGRAMS[content.component]]
    assert f"app/bin/{PROGRAMS[content.component]}" in content.files


def test_an_image_knows_nothing_of_the_machine_that_built_it(content: Content) -> None:
    names = {variable.partition("=")[0] for variable in content.config["Env"]}
    assert names == {"PATH", "HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    assert not {name for name in content.files if name.startswith(("build/", "root/.cache", "run/secrets/"))}


def test_an_image_holds_nothing_that_builds_or_installs(content: Content) -> None:
    assert not content.programs() & UNWANTED_PROGRAMS
    assert not content.packages() & UNWANTED_PACKAGES
    assert not {name for name in content.files if "/ensurepip/" in name}


def test_an_image_holds_its_own_component_and_no_other(content: Content) -> None:
    assert f"churnguard_{content.component}" in content.packages()
    assert not FOREIGN[content.component] & content.packages()
    assert not {name for name in content.files if "churnguard_" in name and "/tests/" in name}


def test_every_module_that_may_be_imported_is_compiled(content: Content) -> None:
    modules = [name for name in content.files if name.endswith(".py") and "-packages/" in name]
    compiled = {name for name in content.files if name.endswith(".pyc")}
    version = next(part for name in modules for part in name.split("/") if part.startswith("python3."))
    tag = f"cpython-{version.removeprefix('python').replace('.', '')}"
    assert [name for name in modules if _compiled(name, tag=tag) not in compiled] == []


def _compiled(module: str, *, tag: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"
