"""``churnguard train`` around a stand-in for the training program: arguments, streams, exit codes, signals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from churnguard_core.gates import GateOutcome
from churnguard_core.progress import ProgressLine, encode_progress
from churnguard_core.result import BundleReference, TrainingResult, encode_result

Run = Callable[..., Any]
StandIn = Callable[[str], Path]

GATE = GateOutcome(gate="rocAuc >= 0.80", passed=True, detail="is 0.8420")
TRAINED = TrainingResult(
    verdict="Trained",
    model="telco",
    revision="telco-r1",
    bundle=BundleReference(
        uri="file:///data/a%20store/default/telco/telco-r1-0123456789ab", digest="sha256:00"
    ),
    algorithm="XGBoost",
    holdout="id",
    rows=7043,
    holdout_rows=1402,
    prevalence=0.265,
    metrics={"rocAuc": 0.842, "logLoss": 0.41, "liftTopDecile": 2.88},
    intervals={"rocAuc": (0.82, 0.86)},
    baseline={"rocAuc": 0.5, "logLoss": 0.58, "liftTopDecile": 1.0},
    gates=(GATE,),
    warnings=("TotalCharges: 11 cells are blank",),
)


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)


def says(result: TrainingResult, *, code: int = 0) -> str:
    """Code of a program that reports progress, writes this result and ends."""
    line = encode_progress(ProgressLine(stage="search", elapsed=1.25, message="looking", percent=50))
    return (
        f"print({line.decode()!r})\nprint('not a progress line')\n"
        f"result.write_bytes({encode_result(result)!r})\n"
        f"sys.exit({code})\n"
    )


def test_a_result_is_shown_with_figures_warnings_gates_and_what_to_do_next(
    churnguard: Run, stand_in: StandIn, model_file: Path
) -> None:
    stand_in(says(TRAINED))
    outcome = churnguard("train", model_file)
    assert outcome.code == 0
    assert [line.rstrip() for line in outcome.out.splitlines()] == [
        "telco-r1: XGBoost, learnt from 5,641 rows, judged on 1,402 others (by a hash of the id), of which 26.5 % left",
        "",
        "on the hold-out              telco-r1    95 % interval   always the average",
        "───────────────────────────────────────────────────────────────────────────",
        "ROC AUC                         0.842   0.820 to 0.860                0.500",
        "log loss (less is better)       0.410                                 0.580",
        "lift of the riskiest tenth      2.880                                 1.000",
        "",
        "warning: TotalCharges: 11 cells are blank",
        "gate passed: rocAuc >= 0.80 (is 0.8420)",
        "bundle: /data/a store/default/telco/telco-r1-0123456789ab",
    ]
    assert outcome.err == (
        "    1.2 s  search     50 % looking\n"
        "\n"
        "hint: churnguard bundle show '/data/a store/default/telco/telco-r1-0123456789ab'\n"
    )


def test_a_failed_gate_has_an_exit_code_of_its_own(
    churnguard: Run, stand_in: StandIn, model_file: Path
) -> None:
    failed = GateOutcome(gate="rocAuc >= 0.90", passed=False, detail="is 0.8420")
    stand_in(says(msgspec.structs.replace(TRAINED, gates=(GATE, failed))))
    outcome = churnguard("train", model_file)
    assert outcome.code == 3
    assert "gate failed: rocAuc >= 0.90 (is 0.8420)" in outcome.out


def test_the_program_gets_the_arguments_of_a_job(
    churnguard: Run, stand_in: StandIn, model_file: Path, tmp_path: Path, write_bundle: Callable[..., Path]
) -> None:
    store = tmp_path / "my store"
    champion = write_bundle(store=store, number=4)
    digest = msgspec.json.decode((champion / "manifest.json").read_bytes())["digest"]
    seen = stand_in(
        "here = pathlib.Path(__file__).parent\n"
        "(here / 'model.json').write_bytes(pathlib.Path(given.pop('model')).read_bytes())\n"
        "(here / 'arguments').write_text(repr(given))\n"
    )
    data = tmp_path / "my customers.csv"
    data.touch()
    churnguard("train", model_file, "--data", data, "--output", store)
    package = seen / "churnguard_training"
    assert (package / "arguments").read_text() == repr(
        {
            "revision": "telco-r5",
            "output": store.as_uri(),
            "champion": champion.as_uri(),
            "champion-digest": digest,
        }
    )
    model = msgspec.json.decode((package / "model.json").read_bytes())
    assert model["spec"]["data"]["source"] == {"file": {"uri": data.as_uri()}}


def test_a_champion_is_a_column_of_its_own_and_an_equal_digest_is_noticed(
    churnguard: Run, stand_in: StandIn, model_file: Path, write_bundle: Callable[..., Path]
) -> None:
    champion = write_bundle(store=Path("store"), number=6)
    digest = msgspec.json.decode((champion / "manifest.json").read_bytes())["digest"]
    bundle = BundleReference(uri=champion.absolute().as_uri(), digest=digest)
    stand_in(says(msgspec.structs.replace(TRAINED, champion={"rocAuc": 0.831}, bundle=bundle)))
    outcome = churnguard("train", model_file)
    header, _, first = outcome.out.splitlines()[2:5]
    assert header.endswith("telco-r6")
    assert first.split()[-1] == "0.831"
    assert f"It is the same model as {champion.name}" in outcome.err
    assert f"bundle: {champion}\n" in outcome.out


def test_a_refusal_is_passed_on_word_for_word(churnguard: Run, stand_in: StandIn, model_file: Path) -> None:
    message = "customers.csv: row 3: 2 cells\nhint: look at row 3"
    refused = TrainingResult(
        verdict="Refused", model="telco", revision="telco-r1", reason="MalformedData", message=message
    )
    stand_in(says(refused, code=2))
    outcome = churnguard("train", model_file)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.endswith(f"error: training was refused (MalformedData)\n{message}\n")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "error: the training program crashed (exit code 1)\n"),
        ("sys.exit(7)", "error: the training program crashed (exit code 7)\n"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "perhaps the machine ran out of memory\n"),
        ("result.write_bytes(b'{')", "error: the training program crashed (exit code 0)\n"),
    ],
)
def test_a_crash_is_a_failure_with_the_programs_last_words(
    churnguard: Run, stand_in: StandIn, model_file: Path, code: str, message: str
) -> None:
    stand_in(f"print('last words', file=sys.stderr, flush=True)\n{code}\n")
    outcome = churnguard("train", model_file)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("last words\n")
    assert outcome.err.endswith(message)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["no.yaml"], "error: no.yaml: No such file or directory\n"),
        (["two.yaml"], "error: two.yaml: holds 2 ChurnModels (telco, telco); expected one\n"),
        (["wrong.yaml", "--data", "no.csv"], "wrong.yaml: spec.sapce: unknown field"),
        (["wrong.yaml", "--data", "no.csv"], "error: no.csv: No such file or directory\n"),
        (["telco.yaml", "--data", "."], "error: .: no file\n"),
        (["telco.yaml", "--revision", "seven"], "'seven' is no revision name"),
        (["telco.yaml", "--revision", "other-r1"], "expected telco-r1"),
    ],
)
def test_wrong_input_is_refused_before_anything_starts(
    churnguard: Run, stand_in: StandIn, model_file: Path, arguments: list[str], problem: str
) -> None:
    package = stand_in("(pathlib.Path(__file__).parent / 'started').touch()\n")
    text = model_file.read_text()
    Path("telco.yaml").write_text(text)
    Path("two.yaml").write_text(f"{text}---\n{text}")
    Path("wrong.yaml").write_text(f"{text}  sapce: 1\n")
    outcome = churnguard("train", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert problem in outcome.err
    assert not (package / "churnguard_training" / "started").exists()


READY = encode_progress(ProgressLine(stage="fit", elapsed=0.0, message="ready")).decode()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_program_which_may_tidy_up(
    start: Callable[..., subprocess.Popen[str]], stand_in: StandIn, model_file: Path, signum: signal.Signals
) -> None:
    seen = stand_in(
        # Blocked and waited for: a handler and pause() would miss a signal between the two.
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        f"print({READY!r}, flush=True)\n"
        "signal.sigwait([signal.SIGTERM])\n"
        "(pathlib.Path(__file__).parent / 'tidied').touch()\n"
        "sys.exit(143)\n"
    )
    with start("train", model_file) as process:
        assert process.stderr is not None
        assert "ready" in process.stderr.readline()
        process.send_signal(signum)
        out, err = process.communicate()
    assert (process.returncode, out) == (128 + signum, "")
    assert err == f"error: stopped by {signum.name}; no bundle was written\n"
    assert (seen / "churnguard_training" / "tidied").exists()


def test_a_second_signal_ends_a_program_that_does_not_listen(
    start: Callable[..., subprocess.Popen[str]], stand_in: StandIn, model_file: Path
) -> None:
    heard = encode_progress(ProgressLine(stage="fit", elapsed=0.0, message="heard")).decode()
    stand_in(
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        f"print({READY!r}, flush=True)\n"
        "while signal.sigwait([signal.SIGTERM]):\n"
        f"    print({heard!r}, flush=True)\n"
    )
    with start("train", model_file) as process:
        assert process.stderr is not None
        assert "ready" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert "heard" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130


def test_a_terminal_sees_progress_and_standard_output_stays_clean(
    start: Callable[..., subprocess.Popen[str]], stand_in: StandIn, model_file: Path
) -> None:
    stand_in(says(TRAINED))
    controller, terminal = pty.openpty()
    with start("train", model_file, stderr=terminal) as process:
        os.close(terminal)
        out, _ = process.communicate()
    assert process.returncode == 0
    assert b"looking" in os.read(controller, 65536)
    os.close(controller)
    assert "\x1b" not in out


def test_colours_are_for_terminals_that_want_them(
    start: Callable[..., subprocess.Popen[str]],
    stand_in: StandIn,
    model_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(says(TRAINED))
    seen = []
    for wanted in (True, False):
        if not wanted:
            monkeypatch.setenv("NO_COLOR", "1")
        controller, terminal = pty.openpty()
        with start("train", model_file, stdout=terminal) as process:
            os.close(terminal)
            process.communicate()
        seen.append(os.read(controller, 65536))
        os.close(controller)
    assert b"\x1b[32mpassed" in seen[0]
    assert b"gate passed" in seen[1]
    assert b"\x1b[32m" not in seen[1]


def test_files_of_the_current_folder_are_not_imported(
    churnguard: Run, stand_in: StandIn, model_file: Path
) -> None:
    stand_in(f"import json\n{says(TRAINED)}")
    Path("json.py").write_text("raise SystemExit('imported by accident')")
    assert churnguard("train", model_file).code == 0
