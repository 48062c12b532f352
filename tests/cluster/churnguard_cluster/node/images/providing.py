"""Gives images: from the cache when nothing that determines them has changed, else built."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from churnguard_cluster.node import requirements
from churnguard_cluster.node.images import base, docker, recipe
from churnguard_cluster.node.images.cache import ImageCache
from churnguard_cluster.node.images.docker import Docker
from churnguard_cluster.node.images.image import PREFIX, Image
from churnguard_cluster.node.images.store import ImageStore

# An archive is large, and the layers in Docker's data make another one quickly.
KEPT: Final = 1
BASE_STAGE: Final = "base"


def provide(components: Sequence[str]) -> list[Image]:
    """The images of these components, in their order; where a node can run, unpacked for it.

    Raises:
        UnsupportedError: an image must be built, no Docker runs, and this user is not root.
        MissingToolError: it is root, but programs are missing; the message names the packages.
        ClusterError: a build failed; what Docker said is on standard error.
    """
    cache = ImageCache.of_user()
    with cache.locked("builds"):
        cached = {each: image for each in components if (image := _cached(each, cache=cache)) is not None}
        missing = [each for each in components if each not in cached]
        built = _build_all(missing, cache=cache) if missing else {}
        images = [(cached | built)[each] for each in components]
        if requirements.can_run_a_node():
            ImageStore(cache=cache).hold(images)
        return images


def _cached(component: str, *, cache: ImageCache) -> Image | None:
    # Which base a build would take is known only when a Docker has been looked for: either one will do.
    bases = (base.name(), recipe.published_base(_recipe_text()))
    archives = [_archive(component, base_name=each, cache=cache) for each in bases]
    return next((image for archive in archives if (image := Image.noted(archive))), None)


def _build_all(components: Sequence[str], *, cache: ImageCache) -> dict[str, Image]:
    if running := docker.running():
        published = recipe.published_base(_recipe_text())
        return {each: _build(running, each, base_name=published, cache=cache) for each in components}
    with docker.own(cache) as own:
        if not own.has(base.name()):
            own.import_files(base.archive(cache), image=base.name())
        built = {each: _build(own, each, base_name=base.name(), cache=cache) for each in components}
        for image in built.values():
            own.forget(image.name)  # a name would keep its layers beyond the limit of the cache
        return built


def _build(builder: Docker, component: str, *, base_name: str, cache: ImageCache) -> Image:
    archive = _archive(component, base_name=base_name, cache=cache)
    name, base_stage = archive.stem.replace("_", ":"), f"churnguard-{BASE_STAGE}-of-images"
    options = [f"--build-arg=BASE={base_name}", *_certificates()]
    builder.build(folder=recipe.REPOSITORY, target=component, image=name, options=options)
    builder.build(folder=recipe.REPOSITORY, target=BASE_STAGE, image=base_stage, options=options)
    aside = archive.with_suffix(".new")
    builder.save(name, archive=aside)
    aside.replace(archive)
    image = Image(
        component=component,
        name=name,
        archive=archive,
        bytes=builder.size(name),
        base_bytes=builder.size(base_stage),
    )
    image.note()
    for suffix in ("tar", "json"):
        cache.keep_newest(f"{PREFIX}{component}_*.{suffix}", count=KEPT)
    return image


def _archive(component: str, *, base_name: str, cache: ImageCache) -> Path:
    return cache.archive(component, key=recipe.key(target=component, base=base_name))


def _certificates() -> list[str]:
    """Hands the machine's certificate authorities to the build, which may need one that no base knows."""
    bundle = ssl.get_default_verify_paths().cafile
    return [f"--secret=id=ca,src={bundle}"] if bundle else []


def _recipe_text() -> str:
    return (recipe.REPOSITORY / recipe.FILE).read_text()
