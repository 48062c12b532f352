"""docs/revision.md and the reasons of the reference page: every field, option and label that they name exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from churnguard_core.churnmodel.reference import reference_page
from churnguard_core.churnmodel.remedies import EVENTS, REMEDIES, TOLD_OF_CONDITIONS
from churnguard_core.churnmodel.serving import Serving
from churnguard_core.churnmodel.shapes import fields_of
from churnguard_core.churnmodel.status import REASONS
from churnguard_core.churnmodel.training import Training
from churnguard_core.churnmodel.types import Spec
from churnguard_operator.options import parse_options

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "revision.md").read_text()
REFERENCE: Final = reference_page()
TEXTS: Final = {
    "docs/revision.md": PAGE,
    "remedies": "\n".join([*REMEDIES.values(), *(event.remedy for event in EVENTS.values())]),
    "meanings": "\n".join([*REASONS.values(), *(event.meaning for event in EVENTS.values())]),
}


def documented_fields() -> set[str]:
    """Paths of all fields by the reference page, such as ``spec.training.seed``."""
    found = set()
    for section in REFERENCE.split("\n## ")[1:]:
        heading = re.match(r"`([\w.\[\]]+)`\n", section)
        if heading is not None:
            path = heading[1].replace("[]", "")
            found |= {
                path,
                *(f"{path}.{name}" for name in re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)),
            }
    return found


@pytest.mark.parametrize("name", TEXTS)
def test_every_field_that_is_named_exists(name: str) -> None:
    fields = documented_fields()
    assert {"spec.training.seed", "status.revisions.verdict"} <= fields
    named = re.findall(r"`((?:spec|status)(?:\.\w+)+)", TEXTS[name])
    assert [path for path in named if path not in fields] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_argument_that_is_named_is_one_of_the_operator(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--help"])
    known = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
    named = re.findall(r"`(--[a-z][a-z-]*)", TEXTS[name])
    assert [option for option in named if option not in known] == []


def test_every_reason_has_something_to_do_in_a_row_of_its_own() -> None:
    assert set(REMEDIES) == set(REASONS)
    for reason, remedy in REMEDIES.items():
        assert remedy.endswith(".")
        (row,) = re.findall(rf"^\| `{reason}` \| .*$", REFERENCE.partition("\n## Events")[0], re.MULTILINE)
        assert row.endswith(f" | {remedy} |")


def test_every_event_is_told_of_once() -> None:
    section = REFERENCE.partition("\n## Events")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:Normal|Warning) \|", section, re.MULTILINE)
    others = re.findall(r"`(\w+)`", section.rpartition("\n\n")[2])
    assert rows == list(EVENTS)
    assert others == list(TOLD_OF_CONDITIONS)
    assert set(rows) & set(others) == set()


@pytest.mark.parametrize("part", [Spec, Training, Serving])
def test_the_page_says_of_every_field_what_a_change_of_it_does(part: type[Spec | Training | Serving]) -> None:
    named = {name for code in re.findall(r"`([^`\n]+)`", PAGE) for name in re.findall(r"\w+", code)}
    assert {field.name for field in fields_of(part)} - named == set()
