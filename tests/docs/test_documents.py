"""What every page promises: links that lead somewhere, commands that exist, code that runs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from churnguard_core.churnmodel.parse import parse_churnmodel

ROOT = Path(__file__).resolve().parents[2]
BUILT = {".venv", "build", "node_modules", ".git", ".pytest_cache"}


def _pages() -> list[str]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


PAGES = _pages()
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in BUILT)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors_of(page: Path) -> set[str]:
    return {
        anchor(line.lstrip("#").strip()) for line in page.read_text().splitlines() if line.startswith("#")
    }


def prose_of(page: str) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_pages_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/judging.md", "docs/reference/churnmodel.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (fragment and fragment not in anchors_of(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(r"(?:`|^|; )make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) <= make_targets()


@pytest.mark.parametrize("page", PAGES)
def test_every_path_of_the_repository_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(rf"`((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*)`", text)
    named += re.findall(r"(?:python|mypy|pytest) ((?:tests|tools)/[\w./-]+)", text)
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_knows_a_machine(page: str) -> None:
    text = (ROOT / page).read_text()
    assert re.findall(r"(?<![\w.])/(?:work|root|home|tmp|Users)/\S*", text) == []
    # 8080 is where `churnguard up` serves unless told otherwise, 8081 where it takes events.
    assert re.findall(r"localhost:(?!808[01]\b)\d+|127\.0\.0\.1", text) == []


@pytest.mark.parametrize("page", PAGES)
def test_lines_are_short_enough_to_read_as_text(page: str) -> None:
    if page.startswith("docs/reference/"):
        pytest.skip("generated")
    lines = (ROOT / page).read_text().splitlines()
    # Rows of tables and links cannot be broken.
    long = [line for line in lines if len(line) > 120 and not line.startswith("|") and "](" not in line]
    assert long == []


@pytest.mark.parametrize("page", PAGES)
def test_every_churnmodel_in_a_page_is_valid(page: str, blocks: Callable[[str, str], list[str]]) -> None:
    for text in blocks(page, "yaml"):
        document = yaml.safe_load(text)
        if isinstance(document, dict) and document.get("kind") == "ChurnModel":
            assert parse_churnmodel(document).metadata.name


@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in (ROOT / page).read_text()])
def test_every_python_block_runs(
    page: str, blocks: Callable[[str, str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for number, text in enumerate(blocks(page, "python"), start=1):
        exec(compile(text, f"{page}, block {number}", "exec"), {"__name__": "__main__"})


def test_help_lists_every_target_with_a_comment() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE)) == make_targets()
