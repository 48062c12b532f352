"""``churnguard up`` around stand-ins for the training program and the server."""

from __future__ import annotations

import ast
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from churnguard_core.gates import GateOutcome
from churnguard_core.result import BundleReference, TrainingResult, encode_result

Run = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]
StandIn = Callable[[str], Path]
Write = Callable[..., Path]

SERVES = """
settings = pathlib.Path(given['serving'])
(pathlib.Path(__file__).parent / 'arguments').write_text(repr((given, settings.read_text(), str(settings))))
serve()
wait_for_the_end()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def trains(stand_in: StandIn, write_bundle: Write, tmp_path: Path) -> Callable[..., Callable[[], int]]:
    """Let training leave this revision; what it gives counts how often it ran."""

    def prepare(*, number: int = 1, gates_hold: bool = True) -> Callable[[], int]:
        made = write_bundle(store=tmp_path / f"made-{number}", number=number, may_serve=gates_hold)
        left = Path("store").absolute() / "default" / "telco" / made.name
        digest = msgspec.json.decode((made / "manifest.json").read_bytes())["digest"]
        result = TrainingResult(
            verdict="Trained",
            model="telco",
            revision=f"telco-r{number}",
            bundle=BundleReference(uri=left.as_uri(), digest=digest),
            gates=(GateOutcome(gate="rocAuc >= 0.80", passed=gates_hold, detail="is 0.8"),),
        )
        package = stand_in(
            "with (pathlib.Path(__file__).parent / 'runs').open('a') as runs:\n    runs.write('.')\n"
            f"shutil.copytree({str(made)!r}, {str(left)!r}, dirs_exist_ok=True)\n"
            f"result.write_bytes({encode_result(result)!r})\n"
        )
        runs = package / "churnguard_training" / "runs"
        return lambda: len(runs.read_text()) if runs.exists() else 0

    return prepare


def until_it_serves(process: subprocess.Popen[str]) -> list[str]:
    """What is on standard output up to the last of the two lines that ask the server."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if sum(shown.startswith("curl ") for shown in lines) == 2:
            return lines
    assert process.stderr is not None
    raise AssertionError(f"it ended before it served:\n{process.stderr.read()}")


def stop(process: subprocess.Popen[str], signum: signal.Signals = signal.SIGINT) -> str:
    process.send_signal(signum)
    return process.communicate()[1]


def arguments_of(package: Path) -> tuple[dict[str, str], dict[str, Any], Path]:
    given, settings, path = ast.literal_eval((package / "churnguard_serving" / "arguments").read_text())
    return given, msgspec.json.decode(settings), Path(path)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_was_trained_is_served_until_a_signal(
    start: Start, trains: Run, stand_in_server: StandIn, model_file: Path, signum: signal.Signals
) -> None:
    trains()
    package = stand_in_server(SERVES)
    with start("up", model_file, "--port", 0) as process:
        lines = until_it_serves(process)
        err = stop(process, signum)
    assert process.returncode == 0
    assert lines[0].startswith("telco-r1: ")
    assert "gate passed: rocAuc >= 0.80 (is 0.8)" in lines
    (predict, explain) = lines[-2:]
    port = int(predict.partition("localhost:")[2].partition("/")[0])
    url = f"localhost:{port}/v1/models/telco"
    body = """'{"instances":[{"tenure":36}]}'"""
    assert (predict, explain) == (f"curl {url}:predict -d {body}", f"curl {url}:explain -d {body}")
    assert f"telco-r1 is served on http://localhost:{port}; Ctrl-C ends it" in err
    assert err.endswith("\nstopped\n")
    (bundle,) = Path("store/default/telco").glob("telco-r1-*")
    given, _, settings = arguments_of(package)
    digest = msgspec.json.decode((bundle / "manifest.json").read_bytes())["digest"]
    assert given == {
        "bundle": bundle.absolute().as_uri(),
        "digest": digest,
        "name": "telco",
        "serving": str(settings),
        "host": "127.0.0.1",
        "port": "0",
    }
    assert not settings.exists()


def test_the_server_gets_levels_insights_and_ports(
    start: Start, trains: Run, stand_in_server: StandIn, model_file: Path
) -> None:
    trains()
    package = stand_in_server(SERVES)
    insight = {"when": {"feature": "tenure", "atMost": "6"}, "text": "Call"}
    model_file.write_text(
        model_file.read_text()
        + "  serving:\n    levels: {high: '0.9'}\n    replicas: {max: 2}\n"
        + "    insights: [{when: {feature: tenure, atMost: '6'}, text: Call}]\n"
    )
    with start("up", model_file, "--port", 0, "--host", "localhost", "--grpc-port", 0) as process:
        until_it_serves(process)
        stop(process)
    given, settings, _ = arguments_of(package)
    assert (given["host"], given["grpc-port"]) == ("localhost", "0")
    assert settings == {"levels": {"high": "0.9"}, "insights": [insight]}


def serve_once(start: Start, *arguments: str | Path) -> tuple[list[str], str]:
    with start("up", *arguments, "--port", 0) as process:
        lines = until_it_serves(process)
        err = stop(process)
    assert process.returncode == 0
    return lines, err


def test_the_same_once_more_trains_not_again_but_serves_by_the_levels_of_now(
    start: Start, trains: Run, stand_in_server: StandIn, model_file: Path
) -> None:
    ran = trains()
    package = stand_in_server(SERVES)
    serve_once(start, model_file)
    model_file.write_text(model_file.read_text() + "  serving: {levels: {high: '0.9'}}\n")
    lines, _ = serve_once(start, model_file)
    assert ran() == 1
    assert lines[:-3] == [
        "telco-r1: not trained again, customers and ChurnModel are the same",
        "",
        "gate passed: rocAuc >= 0.80 (is 0.8)",
    ]
    assert arguments_of(package)[1] == {"levels": {"high": "0.9"}, "insights": []}
    shutil.copy(model_file, "changed.yaml")
    with Path("changed.yaml").open("a") as file:
        file.write("  training: {seed: 8}\n")
    serve_once(start, "changed.yaml")
    assert ran() == 2


def test_one_may_ask_for_a_new_training(
    start: Start, trains: Run, stand_in_server: StandIn, model_file: Path
) -> None:
    ran = trains()
    stand_in_server(SERVES)
    serve_once(start, model_file)
    serve_once(start, model_file, "--retrain")
    assert ran() == 2


def test_what_train_left_is_served_without_another_training(
    start: Start, trains: Run, stand_in_server: StandIn, model_file: Path
) -> None:
    ran = trains()
    stand_in_server(SERVES)
    with start("train", model_file) as process:
        process.communicate()
    assert process.returncode == 0
    serve_once(start, model_file)
    assert ran() == 1


def test_customers_that_cannot_be_seen_are_learnt_from_again(
    start: Start, trains: Run, stand_in_server: StandIn, model_file: Path
) -> None:
    text = model_file.read_text()
    model_file.write_text(text.replace("simulator: {rows: 2000}", "file: {uri: 's3://customers/a.csv'}"))
    ran = trains()
    stand_in_server(SERVES)
    _, first = serve_once(start, model_file)
    _, second = serve_once(start, model_file)
    assert ran() == 2
    said = "Whether the customers changed cannot be seen from here: training again."
    assert (said in first, said in second) == (False, True)


def test_a_failed_gate_serves_nothing_and_says_what_to_do(
    churnguard: Run, trains: Run, stand_in_server: StandIn, model_file: Path
) -> None:
    ran = trains(gates_hold=False)
    package = stand_in_server(SERVES)
    for _ in range(2):
        outcome = churnguard("up", model_file, "--port", 0)
        assert outcome.code == 3
        assert "gate failed: rocAuc >= 0.80 (is 0.8)" in outcome.out
        assert "error: nothing is served: a gate failed, and there is no earlier revision" in outcome.err
        assert "churnguard bundle show store/default/telco/telco-r1-" in outcome.err
    assert ran() == 1
    assert not (package / "churnguard_serving" / "arguments").exists()


def test_after_a_failed_gate_the_champion_is_served(
    start: Start, trains: Run, stand_in_server: StandIn, model_file: Path, write_bundle: Write
) -> None:
    champion = write_bundle(store=Path("store"), number=4)
    ran = trains(number=5, gates_hold=False)
    package = stand_in_server(SERVES)
    for _ in range(2):
        lines, err = serve_once(start, model_file)
        assert "gate failed: rocAuc >= 0.80 (is 0.8)" in lines
        assert "warning: telco-r5 is not served, because a gate failed; telco-r4 is" in err
        assert arguments_of(package)[0]["bundle"] == champion.absolute().as_uri()
    assert ran() == 1


def test_a_pinned_revision_is_served_and_nothing_trained(
    start: Start, trains: Run, stand_in_server: StandIn, model_file: Path, write_bundle: Write
) -> None:
    wanted = write_bundle(store=Path("store"), number=2)
    write_bundle(store=Path("store"), number=3)
    ran = trains(number=4)
    package = stand_in_server(SERVES)
    model_file.write_text(model_file.read_text() + "  serving: {revision: telco-r2}\n")
    _, err = serve_once(start, model_file)
    assert "spec.serving.revision wants telco-r2: nothing is trained.\n" in err
    assert (arguments_of(package)[0]["bundle"], ran()) == (wanted.absolute().as_uri(), 0)


def test_a_pinned_revision_that_is_not_there_is_refused(
    churnguard: Run, model_file: Path, write_bundle: Write
) -> None:
    write_bundle(store=Path("store"), number=3)
    model_file.write_text(model_file.read_text() + "  serving: {revision: telco-r2}\n")
    outcome = churnguard("up", model_file, "--port", 0)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: spec.serving.revision: telco-r2 is not in store; there are: telco-r3\n"


def test_a_port_that_is_taken_is_refused_before_anything_is_trained(
    churnguard: Run, trains: Run, model_file: Path
) -> None:
    ran = trains()
    with socket.create_server(("127.0.0.1", 0)) as http, socket.create_server(("127.0.0.1", 0)) as grpc:
        taken = [listener.getsockname()[1] for listener in (http, grpc)]
        outcome = churnguard("up", model_file, "--port", taken[0], "--grpc-port", taken[1])
    assert (outcome.code, outcome.out, ran()) == (2, "", 0)
    for port in taken:
        assert f"error: port {port} of 127.0.0.1 is taken: another program listens there\n" in outcome.err
    assert "hint: end that program, or choose another port with --port" in outcome.err


def test_an_address_of_another_machine_is_refused(churnguard: Run, trains: Run, model_file: Path) -> None:
    ran = trains()
    outcome = churnguard("up", model_file, "--host", "192.0.2.1", "--port", 0)
    assert (outcome.code, outcome.out, ran()) == (2, "", 0)
    assert "error: cannot listen on port 0 of 192.0.2.1: " in outcome.err


@pytest.mark.parametrize(
    ("code", "exit_code", "message"),
    [
        ("sys.exit(2)", 1, "error: the training program crashed (exit code 2)"),
        (
            "import churnguard_core.result as r\n"
            "refused = r.TrainingResult(verdict='Refused', model='telco', revision='telco-r1', reason='TooFewRows')\n"
            "result.write_bytes(r.encode_result(refused))\n",
            2,
            "error: training was refused (TooFewRows)",
        ),
    ],
)
def test_without_a_bundle_nothing_is_served(
    churnguard: Run, stand_in: StandIn, model_file: Path, code: str, exit_code: int, message: str
) -> None:
    stand_in(code)
    outcome = churnguard("up", model_file, "--port", 0)
    assert (outcome.code, outcome.out) == (exit_code, "")
    assert message in outcome.err
