"""Where a built tool belongs, and what the linker tells it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from provision.binaries import linker_flags, locate, required_version
from provision.catalogue import SOURCES, TOOLS, Module, Stamp, Tool
from provision.errors import ToolError
from provision.golang import Go

GO_MOD = """module churnguard.dev/tests/tools/ship

go 1.26.0

replace example.test/rope => example.test/rope v0.9.0

require (
\texample.test/rope v1.2.3 // indirect
\texample.test/ship v3.22.0 // indirect
)
"""
GO = Go(program=Path("go"), folder=Path("ship"), described="go1.26.8\nlinux\namd64\n")


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    (tmp_path / "go.mod").write_text(GO_MOD)
    (tmp_path / "go.sum").write_text("example.test/ship v3.22.0 h1:0=\n")
    module = Module(folder=tmp_path, upstream="example.test/ship")
    return Tool(name="ship", module=module, package="example.test/ship/cmd/ship")


def test_a_stamp_sets_parts_of_the_required_version() -> None:
    stamp = Stamp(path="example.test/ship", variables={"main.full": "{version}", "main.minor": "{minor}+"})
    assert linker_flags(stamps=(stamp,), go_mod=GO_MOD) == "-s -w -X main.full=v3.22.0 -X main.minor=22+"


def test_the_required_version_is_not_the_one_of_a_replacement() -> None:
    assert required_version(path="example.test/rope", go_mod=GO_MOD) == "v1.2.3"


def test_a_requirement_on_a_line_of_its_own_is_found() -> None:
    assert required_version(path="example.test/ship", go_mod="require example.test/ship v1.0.0\n") == "v1.0.0"


def test_a_module_that_is_not_required_has_no_version() -> None:
    with pytest.raises(ToolError, match=r"requires no example\.test/sail"):
        required_version(path="example.test/sail", go_mod=GO_MOD)


def test_the_same_pins_and_go_give_the_same_place(tool: Tool) -> None:
    assert locate(tool=tool, go=GO).path == locate(tool=tool, go=replace(GO, program=Path("other/go"))).path


@pytest.mark.parametrize("pins", ["go.mod", "go.sum"])
def test_a_changed_pin_gives_another_place(tool: Tool, pins: str) -> None:
    before = locate(tool=tool, go=GO).path
    file = tool.module.folder / pins
    file.write_text(file.read_text() + "// changed\n")
    assert locate(tool=tool, go=GO).path != before


@pytest.mark.parametrize(
    "described", ["go1.27.0\nlinux\namd64\n", "go1.26.8\nlinux\narm64\n"], ids=["version", "architecture"]
)
def test_another_go_gives_another_place(tool: Tool, described: str) -> None:
    assert locate(tool=tool, go=replace(GO, described=described)).path != locate(tool=tool, go=GO).path


def test_another_stamp_gives_another_place(tool: Tool) -> None:
    stamped = replace(
        tool, stamps=(Stamp(path="example.test/ship", variables={"main.version": "{version}"}),)
    )
    assert locate(tool=stamped, go=GO).path != locate(tool=tool, go=GO).path


@pytest.mark.parametrize("name", TOOLS)
def test_every_stamp_finds_its_version_in_the_pins(name: str) -> None:
    tool = TOOLS[name]
    flags = linker_flags(stamps=tool.stamps, go_mod=(tool.module.folder / "go.mod").read_text())
    assert flags.count("-X ") == sum(len(stamp.variables) for stamp in tool.stamps)
    assert "{" not in flags


@pytest.mark.parametrize("name", sorted({tool.module.name for tool in TOOLS.values()}))
def test_a_go_mod_names_as_tools_just_what_is_built_from_upstream(name: str) -> None:
    tools = [tool for tool in TOOLS.values() if tool.module.name == name]
    go_mod = (tools[0].module.folder / "go.mod").read_text()
    block = re.search(r"^tool \(\n(.*?)^\)$", go_mod, re.MULTILINE | re.DOTALL)
    named = block[1].split() if block else re.findall(r"^tool (\S+)$", go_mod, re.MULTILINE)
    assert sorted(named) == sorted(tool.upstream_package for tool in tools)


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_pinned(name: str) -> None:
    source = SOURCES[name]
    assert required_version(path=source.path, go_mod=(source.module.folder / "go.mod").read_text())
