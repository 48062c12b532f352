"""docs/training.md names what the program has: arguments, codes, reasons, fields, secrets. No more, no less."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from msgspec import inspect as types

from churnguard_core import result
from churnguard_core.progress import ProgressLine, Stage
from churnguard_core.result import TrainingResult
from churnguard_storage import secrets
from churnguard_training import __main__
from churnguard_training.errors import Reason

PAGE = "docs/training.md"

Keys = Callable[[str, str], list[str]]


def options_of(*command: str) -> set[str]:
    shown = subprocess.run(
        [sys.executable, "-m", "churnguard_training", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(re.findall(r"^  (--[a-z-]+)", shown.stdout, re.MULTILINE))


def test_every_argument_is_named(table_keys: Keys) -> None:
    assert set(table_keys(PAGE, "Arguments")) == options_of() | options_of("prune")


def test_every_reason_is_named(table_keys: Keys) -> None:
    assert sorted(key for key in table_keys(PAGE, "Reasons to refuse")) == sorted(get_args(Reason))


def test_every_exit_code_is_named(root: Path) -> None:
    section = (root / PAGE).read_text().partition("## Exit codes")[2].partition("## ")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    named = {value for name, value in vars(result).items() if name.startswith("EXIT_")}
    assert codes == {*named, 143}
    assert "143" in inspect.getdoc(__main__)  # type: ignore[operator]


def test_every_field_of_a_result_is_named(table_keys: Keys) -> None:
    info = types.type_info(TrainingResult)
    assert isinstance(info, types.StructType)
    assert sorted(table_keys(PAGE, "Result")) == sorted(field.encode_name for field in info.fields)


def test_every_field_and_stage_of_progress_is_named(table_keys: Keys, root: Path) -> None:
    info = types.type_info(ProgressLine)
    assert isinstance(info, types.StructType)
    assert table_keys(PAGE, "Progress") == [field.encode_name for field in info.fields]
    (row,) = re.findall(r"^\| `stage` \| (.*) \|$", (root / PAGE).read_text(), re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == list(get_args(Stage))


def test_every_secret_is_read_where_the_page_says(root: Path) -> None:
    text = (root / PAGE).read_text()
    asked: set[str] = set()

    class Recording(dict[str, str]):
        def get(self, key: str, default: object = None) -> str:
            asked.add(key)
            return ""

    secrets.read_credentials(role="source", environ=Recording())
    secrets.read_credentials(role="store", environ=Recording())
    # A store has no connection of its own kind.
    assert asked - {"CHURNGUARD_STORE_URI"} == set(re.findall(r"CHURNGUARD_(?:SOURCE|STORE)_\w+", text))
    for role in ("source", "store"):
        assert f"{secrets.SECRET_ROOT}/{role}" in text
