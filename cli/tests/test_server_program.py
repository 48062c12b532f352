"""How a server may begin and end, with a stand-in: what ``churnguard up`` says of it, and its exit code."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from churnguard_cli.fingerprints import fingerprint_of
from churnguard_cli.memory import Trained, remember
from churnguard_cli.models import read_models

Run = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]
StandIn = Callable[[str], Path]


@pytest.fixture(autouse=True)
def trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_file: Path, write_bundle: Callable[..., Path]
) -> Path:
    """A store with a bundle of the model, so that nothing is trained."""
    monkeypatch.chdir(tmp_path)
    bundle = write_bundle(number=3)
    (model,) = read_models(model_file).models
    fingerprint = fingerprint_of(model)
    assert fingerprint is not None
    digest = msgspec.json.decode((bundle / "manifest.json").read_bytes())["digest"]
    known = Trained(fingerprint=fingerprint, bundle=bundle.name, digest=digest)
    remember(tmp_path / "store", model.metadata, known)
    return bundle


def until_it_serves(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert any(line.startswith("curl ") for line in process.stdout)


def test_a_server_that_refuses_its_bundle_is_quoted(
    churnguard: Run, stand_in_server: StandIn, model_file: Path, trained: Path
) -> None:
    stand_in_server(
        "log('warning', 'first')\n"
        "log('error', 'refused', problem='manifest.json: expected digest sha256:0', bundle='file:///b')\n"
        "sys.exit(2)\n"
    )
    outcome = churnguard("up", model_file, "--port", 0)
    assert outcome.code == 1
    assert "curl" not in outcome.out
    assert outcome.err.endswith(
        "warning: server: first\n"
        "error: server: refused (problem: manifest.json: expected digest sha256:0, bundle: file:///b)\n"
        "error: the server did not start (exit code 2): manifest.json: expected digest sha256:0\n"
        "\n"
        f"hint: if it is the bundle: churnguard bundle verify store/default/telco/{trained.name}; "
        "--retrain makes a new one\n"
    )


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("sys.exit(7)", "the server did not start (exit code 7)\n"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the server did not start (killed by SIGKILL)\n"),
        ("1 / 0", "the server did not start (exit code 1): ZeroDivisionError: division by zero\n"),
        (
            "serve(status=503)\nwait_for_the_end()",
            "the server did not start (killed by SIGKILL): it says that it is ready, but answers 503 when asked\n",
        ),
        (
            "serve()\nsys.exit(9)",
            "the server ended by itself (exit code 9)\n",
        ),
        (
            "serve()\nlog('error', 'no more memory')\nsys.exit(1)",
            "the server ended by itself (exit code 1): no more memory\n",
        ),
    ],
)
def test_a_server_that_ends_by_itself_is_a_failure(
    churnguard: Run, stand_in_server: StandIn, model_file: Path, code: str, problem: str
) -> None:
    if code.startswith("serve()"):
        # Not before it was asked whether it is ready.
        code = code.replace("serve()\n", "serve()\nanswered.wait()\n")
    stand_in_server(code)
    outcome = churnguard("up", model_file, "--port", 0)
    assert outcome.code == 1
    assert f"error: {problem}" in outcome.err


def test_a_port_without_a_server_behind_it_is_no_start(
    churnguard: Run, stand_in_server: StandIn, model_file: Path
) -> None:
    stand_in_server("log('info', 'ready', port=1)\nwait_for_the_end()\n")
    outcome = churnguard("up", model_file, "--port", 0)
    assert outcome.code == 1
    assert "it says that it is ready, but does not answer on port 1: " in outcome.err


def test_of_the_servers_log_warnings_and_errors_are_shown_as_text(
    start: Start, stand_in_server: StandIn, model_file: Path
) -> None:
    stand_in_server(
        "log('info', 'loading')\n"
        "log('warning', 'slow \\x1b]0;owned\\x07', seconds=3)\n"
        "print('from a library', file=sys.stderr)\n"
        "log('error', 'a request failed', traceback='Traceback:\\n  line 1')\n"
        "serve()\n"
        "wait_for_the_end()\n"
        "log('info', 'stopped')\n"
    )
    with start("up", model_file, "--port", 0) as process:
        until_it_serves(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 0
    shown = err.partition("starting the server with telco-r3\n")[2].partition("telco-r3 is served")[0]
    assert shown == (
        "warning: server: slow �]0;owned� (seconds: 3)\n"
        "from a library\n"
        "error: server: a request failed\nTraceback:\n  line 1\n"
    )


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_it_serves_is_no_success(
    start: Start, stand_in_server: StandIn, model_file: Path, signum: signal.Signals
) -> None:
    stand_in_server("log('warning', 'still loading')\nwait_for_the_end()\n")
    with start("up", model_file, "--port", 0) as process:
        assert process.stderr is not None
        assert any("still loading" in line for line in process.stderr)
        process.send_signal(signum)
        _, err = process.communicate()
    assert process.returncode == 128 + signum
    assert err == f"error: stopped by {signum.name}; nothing was served yet\n"


def test_a_second_signal_kills_a_server_that_does_not_listen(
    start: Start, stand_in_server: StandIn, model_file: Path
) -> None:
    stand_in_server(
        "serve()\nwait_for_the_end()\nlog('warning', 'heard')\nwhile True:\n    wait_for_the_end()\n"
    )
    with start("up", model_file, "--port", 0) as process:
        until_it_serves(process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert any("heard" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err == "error: stopped by SIGINT; the server was killed\n"


def test_a_server_that_does_not_end_is_killed_when_its_time_is_up(
    start: Start, stand_in_server: StandIn, model_file: Path, tmp_path: Path
) -> None:
    stand_in_server("serve()\nwhile True:\n    wait_for_the_end()\n")
    code = (
        "import sys; from churnguard_cli import server_program; server_program.STOP_SECONDS = 0.01;"
        "from churnguard_cli.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "up", str(model_file), "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path) as process:
        until_it_serves(process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    assert process.returncode == 143
    assert err.endswith("error: stopped by SIGTERM; the server was killed\n")


def test_nohup_keeps_it_serving_without_a_terminal(
    start: Start, stand_in_server: StandIn, model_file: Path
) -> None:
    stand_in_server("serve()\nwait_for_the_end()\n")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("up", model_file, "--port", 0)
    finally:
        signal.signal(signal.SIGHUP, before)
    with process:
        until_it_serves(process)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 0


def test_files_of_the_current_folder_are_not_imported(
    start: Start, stand_in_server: StandIn, model_file: Path
) -> None:
    stand_in_server("serve()\nwait_for_the_end()\n")
    Path("http.py").write_text("raise SystemExit('imported by accident')")
    script = Path(sys.executable).with_name("churnguard")
    command = [str(script), "up", str(model_file), "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        until_it_serves(process)
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 0
