"""Which revision comes next, and which one would serve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from churnguard_cli.store import champion_of, next_revision, stored_bundles
from churnguard_core.churnmodel.types import Metadata

TELCO = Metadata(name="telco")
Write = Callable[..., Path]


def test_a_store_that_is_not_there_yet_begins_with_the_first_revision(tmp_path: Path) -> None:
    assert next_revision(tmp_path / "none", TELCO) == "telco-r1"
    assert champion_of(stored_bundles(tmp_path / "none", TELCO)) is None


def test_revisions_are_counted_as_numbers_not_as_text(tmp_path: Path, write_bundle: Write) -> None:
    for number in (9, 10, 2):
        write_bundle(store=tmp_path, number=number)
    assert next_revision(tmp_path, TELCO) == "telco-r11"
    assert [bundle.number for bundle in stored_bundles(tmp_path, TELCO)] == [2, 9, 10]


@pytest.mark.parametrize(
    ("verdicts", "champion"),
    [([True], 1), ([True, False], 1), ([True, True, False], 2), ([False], None), ([False, True], 2)],
)
def test_the_champion_is_the_newest_whose_gates_held(
    tmp_path: Path, write_bundle: Write, verdicts: list[bool], champion: int | None
) -> None:
    for number, may_serve in enumerate(verdicts, start=1):
        write_bundle(store=tmp_path, number=number, may_serve=may_serve)
    found = champion_of(stored_bundles(tmp_path, TELCO))
    assert (None if found is None else found.number) == champion


def test_other_models_and_strange_folders_do_not_count(tmp_path: Path, write_bundle: Write) -> None:
    bundle = write_bundle(store=tmp_path, number=3)
    for name in ("telco-r7", "telco-r08-0123456789ab", "telco-eu-r9-0123456789ab", ".tmp-1", "notes.txt"):
        (bundle.parent / name).mkdir()
    assert next_revision(tmp_path, TELCO) == "telco-r4"
    assert next_revision(tmp_path, Metadata(name="telco", namespace="other")) == "telco-r1"


def test_an_unfinished_bundle_uses_up_its_number_but_is_no_champion(
    tmp_path: Path, write_bundle: Write
) -> None:
    write_bundle(store=tmp_path, number=1)
    (write_bundle(store=tmp_path, number=2) / "manifest.json").unlink()
    assert next_revision(tmp_path, TELCO) == "telco-r3"
    champion = champion_of(stored_bundles(tmp_path, TELCO))
    assert champion is not None
    assert champion.number == 1
