"""What upstream's ``go.mod`` replaces and excludes, and ours has to repeat.

Both count in the main module only. Where upstream is the main module they choose the versions it was tested with;
here ours is the main module, and without them other versions are chosen or none can be.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provision import golang
from provision.binaries import required_version
from provision.catalogue import KUBERNETES, TOOLS, Module
from provision.errors import ToolError

PINS: Final = ("go.mod", "go.sum")

GoMod = dict[str, Any]
"""A ``go.mod`` as ``go mod edit -json`` prints it."""


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Lines of a ``go.mod``: ``old => new`` as pairs, and excluded versions; each as ``path`` or ``path@version``."""

    replaced: frozenset[tuple[str, str]]
    excluded: frozenset[str]


def _named(module: dict[str, str]) -> str:
    return "@".join([module["Path"], *([module["Version"]] if "Version" in module else [])])


def declared(go_mod: GoMod) -> Overrides:
    """What a ``go.mod`` says itself."""
    replaced = {(_named(each["Old"]), _named(each["New"])) for each in go_mod.get("Replace") or []}
    excluded = {_named(each) for each in go_mod.get("Exclude") or []}
    return Overrides(replaced=frozenset(replaced), excluded=frozenset(excluded))


def wanted(*, upstream: GoMod, version: str) -> Overrides:
    """What a module that builds upstream at this version has to say.

    Replacements by folders of upstream's own tree cannot be repeated and need not be, as the requirements beside
    them name published versions. Kubernetes' do not: v1.X.Y needs its staging modules at v0.X.Y.
    """
    said = declared(upstream)
    published = {(old, new) for old, new in said.replaced if not new.startswith(".")}
    if upstream["Module"]["Path"] == KUBERNETES.upstream:
        twin = version.replace("v1.", "v0.", 1)
        published |= {(old, f"{old}@{twin}") for old, new in said.replaced if new.startswith(".")}
    return Overrides(replaced=frozenset(published), excluded=said.excluded)


def edits(*, ours: Overrides, upstream: Overrides) -> list[str]:
    """Options of ``go mod edit`` that make the one the other."""
    return [
        *(f"-dropreplace={old}" for old, _ in sorted(ours.replaced - upstream.replaced)),
        *(f"-replace={old}={new}" for old, new in sorted(upstream.replaced - ours.replaced)),
        *(f"-dropexclude={each}" for each in sorted(ours.excluded - upstream.excluded)),
        *(f"-exclude={each}" for each in sorted(upstream.excluded - ours.excluded)),
    ]


def pinned_version(*, module: Module) -> str:
    return required_version(path=module.upstream, go_mod=(module.folder / "go.mod").read_text())


def upstream_go_mod(*, module: Module, version: str) -> GoMod:
    """Upstream's own ``go.mod``, which Go downloads when it is not there yet."""
    # A folder without a go.mod, so that neither ours nor its replacements have a say.
    with tempfile.TemporaryDirectory() as elsewhere:
        go = golang.find_go(folder=Path(elsewhere))
        found = json.loads(go.answer("list", "-m", "-json", f"{module.upstream}@{version}"))
        if "GoMod" not in found:
            raise ToolError(f"{module.name}: Go has no go.mod of {module.upstream} {version}.")
        upstream: GoMod = json.loads(go.answer("mod", "edit", "-json", found["GoMod"]))
        return upstream


def differences(*, module: Module, upstream: GoMod) -> list[str]:
    """What to change in the module's ``go.mod``, as options of ``go mod edit``; empty when it is as it should be."""
    go = golang.find_go(folder=module.folder)
    ours = declared(json.loads(go.answer("mod", "edit", "-json")))
    return edits(ours=ours, upstream=wanted(upstream=upstream, version=pinned_version(module=module)))


def pin(*, module: Module, version: str) -> None:
    """Pins upstream's version: overrides, requirements and checksums are all written anew, or nothing is."""
    upstream = upstream_go_mod(module=module, version=version)
    with tempfile.TemporaryDirectory() as name:
        aside = Path(name)
        shutil.copy(module.folder / "go.mod", aside)
        go = golang.find_go(folder=aside)
        ours = json.loads(go.answer("mod", "edit", "-json"))
        overrides = edits(ours=declared(ours), upstream=wanted(upstream=upstream, version=version))
        # Old requirements would hold dependencies above what the new version asks for.
        dropped = [f"-droprequire={each['Path']}" for each in ours.get("Require") or []]
        dropped += [f"-droptool={each['Path']}" for each in ours.get("Tool") or []]
        go.answer("mod", "edit", f"-go={upstream['Go']}", *overrides, *dropped)
        go = golang.find_go(folder=aside)
        packages = [tool.upstream_package for tool in TOOLS.values() if tool.module == module]
        # Each with its version, or Go takes the newest.
        if packages:
            go.answer("get", "-tool", *(f"{package}@{version}" for package in packages))
        else:
            go.answer("get", f"{module.upstream}@{version}")
        for pins in PINS:
            shutil.copy(aside / pins, module.folder / pins)
