"""The quick start of the README, command by command, as a newcomer would type it."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from churnguard_servers.postgres import may_enter

LINKED = ("manifests", "Makefile", "requirements.lock", "tools")
MOST_SECONDS = 240

Blocks = Callable[[str, str], list[str]]


@pytest.fixture
def clone(root: Path, tmp_path: Path) -> Path:
    """A folder that looks like the repository and takes what the commands write."""
    for name in LINKED:
        (tmp_path / name).symlink_to(root / name)
    # The environment that runs this test is the one that `make setup` made.
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def commands_of(block: str) -> list[str]:
    return [command for line in block.splitlines() if (command := line.partition("  #")[0].strip())]


def environment() -> dict[str, str]:
    # Of the make that runs this test.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return {**inherited, "NO_COLOR": "1", "VENV": ".venv"}


def run(command: str, *, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-euc", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
        env=environment(),
    )


@contextmanager
def running(command: str, *, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a session of its own, as in a terminal; ended with all that it started."""
    process = subprocess.Popen(
        command.split(),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def curl_lines(process: subprocess.Popen[str]) -> list[str]:
    """The two lines that are printed once the server is ready."""
    assert process.stdout is not None
    found: list[str] = []
    for line in process.stdout:
        if line.startswith("curl "):
            found.append(line)
        if len(found) == 2:
            return found
    assert process.stderr is not None
    raise AssertionError(f"it ended before it was ready:\n{process.stderr.read()}")


def risk_from_reasons(prediction: dict[str, Any]) -> float:
    assert prediction["space"] == "logOdds"
    return 1 / (1 + math.exp(-prediction["baseline"] - math.fsum(prediction["shap_values"].values())))


def shown_answer(block: str) -> dict[str, Any]:
    """The answer of the page, of which only some reasons are shown."""
    answer: dict[str, Any] = json.loads(block.replace(", ...", ""))
    return answer


@pytest.mark.slow
@pytest.mark.timeout(3 * MOST_SECONDS)
def test_the_quick_start_works_as_it_is_written(root: Path, clone: Path, port: int, blocks: Blocks) -> None:
    first, curls, others = blocks("README.md", "sh")[:3]
    (answer,) = blocks("README.md", "json")
    assert commands_of(first) == ["make run", "make test"]
    # What setup made is taken as it is: nothing is installed again.
    with running(f"make --old-file=.venv/installed run PORT={port}", folder=clone) as server:
        printed = curl_lines(server)
        typed = curls.replace("localhost:8080", f"localhost:{port}")
        assert squeezed(typed) == squeezed("".join(printed))
        predicted, explained = answers_of(typed, folder=clone)
        check_answers(predicted, explained, shown=shown_answer(answer))
        check_other_commands(commands_of(others), folder=clone, port=port)
        # Ctrl-C goes to every process of the terminal.
        os.killpg(server.pid, signal.SIGINT)
        _, err = server.communicate(timeout=MOST_SECONDS)
    assert "\nstopped\n" in err
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
    assert {path.name for path in clone.iterdir()} == {*LINKED, ".venv", "customers.csv", "store"}


def squeezed(text: str) -> str:
    """Commands without what only makes them easier to read."""
    return re.sub(r"\s+", "", text.replace("\\\n", ""))


def answers_of(commands: str, *, folder: Path) -> list[dict[str, Any]]:
    """What each of the curl commands gets."""
    answers = []
    for command in re.split(r"^(?=curl )", commands, flags=re.MULTILINE)[1:]:
        ran = run(command.replace("curl ", "curl --silent --show-error ", 1), folder=folder)
        assert ran.returncode == 0, ran.stderr
        answers.append(json.loads(ran.stdout))
    return answers


def check_answers(predicted: dict[str, Any], explained: dict[str, Any], *, shown: dict[str, Any]) -> None:
    assert set(predicted) == set(explained) == set(shown)
    assert set(predicted["predictions"][0]) == {"risk_score", "risk_level"}
    (real,), (page,) = explained["predictions"], shown["predictions"]
    assert math.isclose(risk_from_reasons(real), real["risk_score"], abs_tol=1e-12)
    assert set(real) == set(page)
    # Another processor may round otherwise.
    for name in ("risk_score", "baseline"):
        assert math.isclose(real[name], page[name], abs_tol=0.01), name
    for name, reason in page["shap_values"].items():
        assert math.isclose(real["shap_values"][name], reason, abs_tol=0.01), name
    for name in ("risk_level", "insights", "space"):
        assert real[name] == page[name]


def check_other_commands(commands: list[str], *, folder: Path, port: int) -> None:
    shown = {}
    for command in commands:
        name = command.split()[1]
        asks = name in ("explain", "predict")
        ran = run(f"{command} --url http://localhost:{port}" if asks else command, folder=folder)
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        shown[name] = ran.stdout
    assert list(shown) == ["explain", "seed", "predict", "validate", "train", "bundle", "help"]
    assert len(json.loads(shown["explain"])["shap_values"]) > 5
    assert "7,043 customers" in shown["seed"]
    assert len(shown["predict"].splitlines()) == 7043
    assert "default/telco is valid" in shown["validate"]
    assert "ROC AUC" in shown["bundle"]


@pytest.fixture
def clone_that_postgres_may_enter(root: Path) -> Iterator[Path]:
    """Where root runs this, PostgreSQL runs as somebody else, who may not enter pytest's own folders."""
    if not may_enter(Path(sys.prefix)):
        pytest.skip("PostgreSQL, which does not run as root, may not be reached by nobody here")
    folder = Path(tempfile.mkdtemp(prefix="churnguard-readme-"))
    folder.chmod(0o755)
    (folder / ".venv").symlink_to(sys.prefix)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(MOST_SECONDS)
def test_events_work_as_it_is_written(clone_that_postgres_may_enter: Path, port: int, blocks: Blocks) -> None:
    folder = clone_that_postgres_may_enter
    (block,) = [each for each in blocks("README.md", "sh") if "--events" in each]
    command = commands_of(block)[0]
    # The page of the collector says the same.
    assert block[block.index("curl") :] in blocks("docs/collector.md", "sh")[-1]
    with running(f"{command} --events-port {port}", folder=folder) as process:
        assert process.stdout is not None
        printed, looks = process.stdout.readline(), process.stdout.readline()
        typed = block[block.index("curl") :].replace("localhost:8081", f"localhost:{port}")
        assert squeezed(typed) == squeezed(printed)
        (answer,) = answers_of(typed, folder=folder)
        assert [each["result"] for each in answer["results"]] == ["ok"]
        looked = run(looks, folder=folder)
        assert "Product Added" in looked.stdout, looked.stderr
        assert "u_42" not in looked.stdout
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=MOST_SECONDS)
    assert err.endswith("\nstopped\n")


def test_the_quick_start_names_only_commands_that_exist(root: Path, blocks: Blocks) -> None:
    for command in commands_of(blocks("README.md", "sh")[0]):
        # With setup done, as the commands that follow it in `make test` find it.
        checked = run(
            f"make --dry-run --old-file=.venv/installed {command.removeprefix('make ')}", folder=root
        )
        assert checked.returncode == 0, checked.stderr
