"""``churnguard bundle show`` and ``verify``."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Write = Callable[..., Path]


def digest_of(folder: Path) -> str:
    import msgspec

    digest = msgspec.json.decode((folder / "manifest.json").read_bytes())["digest"]
    assert isinstance(digest, str)
    return digest


def test_show_prints_what_it_is_and_then_the_card(churnguard: Run, write_bundle: Write) -> None:
    folder = write_bundle()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    outcome = churnguard("bundle", "show", folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        "revision  telco-r1 of default/telco\n"
        f"digest    {digest_of(folder)}\n"
        "trained   2026-01-02T03:04:05+00:00\n"
        "algorithm LogisticRegression\n"
        "features  1\n"
        f"size      {size / 1024:,.0f} KiB in 8 files\n"
        "\n"
        "# telco-r1: who is likely to leave\n"
        "\n"
        "**It may serve**: every gate holds.\n"
        "\n"
        "![Leavers by tenth](plots/deciles.png)\n"
    )


def test_on_a_terminal_the_card_is_rendered_and_plots_are_named_by_path(
    start: Callable[..., Any], write_bundle: Write
) -> None:
    folder = write_bundle()
    controller, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    with start("bundle", "show", folder, stdout=terminal, env=environment) as process:
        os.close(terminal)
        shown = read_terminal(controller)
        assert process.stderr.read() == ""
    assert process.returncode == 0
    assert "**" not in shown
    assert f"{folder}/plots/deciles.png" in shown.replace("\r\n", "").replace(" ", "")


def read_terminal(controller: int) -> str:
    """Everything until the other end is closed, which Linux reports as an error."""
    chunks = []
    with open(controller, "rb", buffering=0) as stream:
        try:
            while chunk := stream.read(4096):
                chunks.append(chunk)
        except OSError:
            pass
    return b"".join(chunks).decode()


def test_a_card_cannot_command_the_terminal(churnguard: Run, write_bundle: Write) -> None:
    outcome = churnguard("bundle", "show", write_bundle(card="# Hi\x1b]0;owned\x07 \x9b31m\n"))
    assert outcome.code == 0
    assert "# Hi�]0;owned� �31m\n" in outcome.out


def test_verify_says_what_was_checked(churnguard: Run, write_bundle: Write) -> None:
    folder = write_bundle()
    outcome = churnguard("bundle", "verify", folder, "--digest", digest_of(folder))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"{folder}: valid\n"
        "  7 files have the SHA-256 that the manifest names, and there are no others\n"
        f"  the content has the expected digest, {digest_of(folder)}\n"
        "  it gives the answers recorded in training, within 1e-06\n"
    )


def test_without_an_expected_digest_verify_promises_no_origin(churnguard: Run, write_bundle: Write) -> None:
    outcome = churnguard("bundle", "verify", write_bundle())
    assert outcome.code == 0
    assert "not where it comes from" in outcome.err


def test_another_digest_is_refused(churnguard: Run, write_bundle: Write) -> None:
    folder = write_bundle()
    outcome = churnguard("bundle", "verify", folder, "--digest", "sha256:00")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"error: manifest.json: expected digest sha256:00, found {digest_of(folder)}\n"


def test_all_that_is_wrong_with_a_bundle_is_said_at_once(churnguard: Run, write_bundle: Write) -> None:
    folder = write_bundle()
    (folder / "scorer.json").unlink()
    (folder / "card.md").write_text("longer than before, by far" * 100)
    (folder / "extra.txt").touch()
    for command in ("show", "verify"):
        outcome = churnguard("bundle", command, folder)
        assert (outcome.code, outcome.out) == (2, "")
        problems = outcome.err.splitlines()
        assert len(problems) == 3
        assert problems[0].startswith("error: card.md: has 2600 bytes")
        assert problems[1:] == ["error: extra.txt: not named by the manifest", "error: scorer.json: missing"]


@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_folder_of_bundles_is_met_with_their_names(
    churnguard: Run, write_bundle: Write, command: str
) -> None:
    folder = write_bundle()
    outcome = churnguard("bundle", command, folder.parents[2])
    assert outcome.code == 2
    assert "no bundle: it has no manifest.json" in outcome.err
    assert f"hint: there are bundles below it:\n  {folder}\n" in outcome.err


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda _: None, "No such file or directory"),
        (lambda path: path.write_text("x"), "a bundle is a folder, this is a file"),
        (lambda path: path.mkdir(), "no bundle: it has no manifest.json"),
    ],
)
def test_what_is_no_bundle_is_said(
    churnguard: Run, tmp_path: Path, make: Callable[[Path], object], problem: str
) -> None:
    path = tmp_path / "bundle"
    make(path)
    outcome = churnguard("bundle", "show", path)
    assert (outcome.code, outcome.err) == (2, f"error: {path}: {problem}\n")
