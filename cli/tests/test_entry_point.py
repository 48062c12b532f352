"""Help, streams, colours and pipes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

HELP = """\
Usage: churnguard [OPTIONS] COMMAND [ARGS]...

  Churn models without a cluster: train, serve and ask them on this machine.

  Results go to standard output, progress and messages to standard error.
  NO_COLOR is honoured.

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
  validate  Name every wrong field of ChurnModel files.
  seed      Write simulated customers to a CSV file.
  train     Train a ChurnModel here, as its Job would on a cluster.
  up        Train a ChurnModel and serve it here.
  predict   Ask a running server for risks.
  explain   Ask a running server for risks and their reasons.
  bundle    Read and verify trained bundles.

  Exit codes:
    0    done; a server that was stopped by Ctrl-C or SIGTERM is done
    1    failed: a program that was started crashed, or no server answers
    2    refused: wrong input, named on the screen
    3    trained, but a gate failed: it would not be served
    130  interrupted by Ctrl-C, 143 by SIGTERM, before it was done
"""


def test_help_is_short_and_names_the_exit_codes(churnguard: Run) -> None:
    outcome = churnguard("--help")
    assert (outcome.code, outcome.out, outcome.err) == (0, HELP, "")


@pytest.mark.parametrize("command", ["validate", "seed", "train", "up", "predict", "explain", "bundle"])
def test_every_command_has_help_with_exit_codes(churnguard: Run, command: str) -> None:
    outcome = churnguard(command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert "Exit codes:\n    0    done" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["--help"], set()),
        (["train", "--help"], {"churnguard_core"}),
        (["up", "--help"], set()),
        (["predict", "--help"], {"churnguard_core", "msgspec"}),
        (["explain", "--help"], {"churnguard_core", "msgspec"}),
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str], loaded: set[str]) -> None:
    code = (
        f"import sys; from churnguard_cli.__main__ import main; main({arguments});"
        "heavy = {'numpy', 'rich', 'yaml', 'msgspec', 'churnguard_core'};"
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(completed.stderr.split()) == loaded


def test_the_version_is_that_of_the_package(churnguard: Run) -> None:
    assert churnguard("--version").out == f"churnguard {version('churnguard-cli')}\n"


def test_an_unknown_command_is_a_usage_error(churnguard: Run) -> None:
    outcome = churnguard("trian")
    assert (outcome.code, outcome.out) == (2, "")
    assert "No such command 'trian'" in outcome.err


@pytest.mark.parametrize("arguments", [["--help"], ["bundle", "show"]])
def test_a_reader_that_leaves_early_is_no_error(
    start: Callable[..., Any], write_bundle: Callable[..., Path], arguments: list[str]
) -> None:
    if arguments[-1] == "show":
        # More than a pipe holds, so that the command is still writing when its reader is gone.
        arguments = [*arguments, str(write_bundle(card="# Long\n\n" + "word " * 100_000))]
    with start(*arguments) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_text_that_the_terminal_cannot_show_is_replaced(
    start: Callable[..., Any], write_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    with start("bundle", "show", write_bundle(card="# Zürich · 顧客\n"), encoding="latin-1") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.endswith("# Zürich · ??\n")


def test_the_installed_command_is_this_program() -> None:
    script = Path(sys.executable).with_name("churnguard")
    completed = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert completed.stdout == HELP
