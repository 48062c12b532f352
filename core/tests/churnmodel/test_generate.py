from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from churnguard_core.churnmodel.reference import reference_page
from churnguard_core.churnmodel.status import REASONS

GENERATED = [
    "docs/reference/churnmodel.md",
    "docs/reference/events.md",
    "docs/reference/metrics.md",
    "manifests/crds/churnguard.dev_churnmodels.yaml",
]


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def copied(repository: Path, tmp_path: Path) -> Path:
    """The script in an empty tree of its own; it writes beside itself."""
    (tmp_path / "tools").mkdir()
    return Path(shutil.copy(repository / "tools" / "generate", tmp_path / "tools" / "generate"))


def test_nothing_has_drifted(repository: Path) -> None:
    checked = run(repository / "tools" / "generate", "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_check_names_what_drifted_and_writes_nothing(copied: Path) -> None:
    checked = run(copied, "--check")
    assert checked.returncode == 1
    assert sorted(line.split()[0] for line in checked.stderr.splitlines()) == GENERATED
    assert sorted(path.name for path in copied.parents[1].rglob("*")) == ["generate", "tools"]


def test_what_was_written_passes_the_check_until_it_is_edited(copied: Path, repository: Path) -> None:
    root = copied.parents[1]
    assert run(copied).returncode == 0
    for path in GENERATED:
        assert (root / path).read_bytes() == (repository / path).read_bytes()
    assert run(copied, "--check").returncode == 0
    with (root / GENERATED[0]).open("a", encoding="utf-8") as page:
        page.write("edited\n")
    checked = run(copied, "--check")
    assert checked.returncode == 1
    assert checked.stderr.startswith(GENERATED[0])
    assert len(checked.stderr.splitlines()) == 1


def test_every_table_of_the_reference_page_is_even() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", reference_page(), flags=re.MULTILINE)
    assert len(tables) > 20
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_the_reference_page_explains_every_reason() -> None:
    page = reference_page()
    for reason, meaning in REASONS.items():
        assert f"| `{reason}` | {meaning} |" in page
