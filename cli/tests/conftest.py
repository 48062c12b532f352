"""Running the command in this process or another, a bundle made by hand, and stand-ins for the programs it starts."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from churnguard_cli.__main__ import main
from churnguard_core.bundle import (
    CARD_DATA_NAME,
    CARD_NAME,
    EVALUATION_NAME,
    FORMAT,
    MANIFEST_NAME,
    PARITY_NAME,
    REFERENCE_NAME,
    SCORER_NAME,
    Content,
    Manifest,
    Origin,
    content_digest,
    encode_manifest,
    file_digest,
)
from churnguard_core.features import NumericFeature
from churnguard_scoring.bundle import answer
from churnguard_scoring.encoder import Encoder, Value
from churnguard_scoring.models import Linear
from churnguard_scoring.scorer import Scorer, ScorerDefinition

CARD = """# telco-r1: who is likely to leave

**It may serve**: every gate holds.

![Leavers by tenth](plots/deciles.png)
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture
def churnguard(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command in this process."""

    def run(*arguments: str | Path) -> Outcome:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code=code, out=captured.out, err=captured.err)

    return run


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start a command in a process of its own."""

    def run(*arguments: str | Path, **options: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "churnguard_cli", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        return subprocess.Popen(command, **{**pipes, **options})  # type: ignore[call-overload,no-any-return]

    return run


@pytest.fixture
def write_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Write a valid bundle of one feature; arguments say where, and whether its gates held."""

    def write(
        *, store: Path | None = None, number: int = 1, may_serve: bool = True, card: str = CARD
    ) -> Path:
        definition = ScorerDefinition(
            features=(NumericFeature(name="tenure", minimum=0, maximum=72),),
            encoder=Encoder(outputs=(Value(feature="tenure", fill=30.0, offset=30.0, scale=20.0),)),
            model=Linear(intercept=-1.0, weights=[-0.7], means=[0.0]),
        )
        scorer = Scorer(definition)
        contents = {
            SCORER_NAME: msgspec.json.encode(definition),
            PARITY_NAME: msgspec.json.encode([answer(scorer, {}), answer(scorer, {"tenure": number})]),
            REFERENCE_NAME: b"{}",
            EVALUATION_NAME: b'{"importance":[{"feature":"tenure","meanAbsoluteReason":0.5,"share":1}]}',
        }
        gate = {"gate": "rocAuc >= 0.80", "passed": may_serve, "detail": "is 0.8"}
        documents = {
            CARD_NAME: card.encode(),
            CARD_DATA_NAME: msgspec.json.encode({"mayServe": may_serve, "gates": [gate]}),
            "plots/deciles.png": b"\x89PNG",
        }
        content = Content(
            format=FORMAT,
            task="churn",
            algorithm="LogisticRegression",
            space="logOdds",
            schema=definition.features,
            data_digest="sha256:1",
            spec_digest="sha256:2",
            seed=7,
            libraries={},
            files={name: file_digest(data) for name, data in contents.items()},
        )
        digest = content_digest(content)
        manifest = Manifest(
            digest=digest,
            content=content,
            origin=Origin(
                namespace="default",
                model="telco",
                revision=f"telco-r{number}",
                created_at="2026-01-02T03:04:05+00:00",
            ),
            documents={name: file_digest(data) for name, data in documents.items()},
        )
        name = f"telco-r{number}-{digest.removeprefix('sha256:')[:12]}"
        folder = (store or tmp_path / "store") / "default" / "telco" / name
        for path, data in {**contents, **documents, MANIFEST_NAME: encode_manifest(manifest)}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    return write


MODEL = """\
apiVersion: churnguard.dev/v1alpha1
kind: ChurnModel
metadata: {name: telco}
spec:
  data:
    source: {simulator: {rows: 2000}}
    columns: {label: {name: Churn}}
"""


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A valid ChurnModel."""
    path = tmp_path / "telco.yaml"
    path.write_text(MODEL)
    return path


TRAINING_HEADER = """
import os, pathlib, shutil, signal, sys
given = dict(argument.removeprefix('--').split('=', 1) for argument in sys.argv[1:-2])
result = pathlib.Path(sys.argv[-1])
assert sys.argv[-2] == '--result'
"""

SERVER_HEADER = """
import http.server, json, os, pathlib, signal, sys, threading
given = dict(argument.removeprefix('--').split('=', 1) for argument in sys.argv[1:])

def log(level, message, **facts):
    entry = {'time': 'now', 'level': level, 'logger': 'churnguard.serving', 'message': message, **facts}
    print(json.dumps(entry), file=sys.stderr, flush=True)

answered = threading.Event()

def serve(status=200):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == '/v2/health/ready' else 404)
            self.send_header('Content-Length', '0')
            self.end_headers()
            answered.set()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer((given['host'], int(given['port'])), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log('info', 'ready', port=server.server_port)

def wait_for_the_end():
    signal.sigwait({signal.SIGINT})

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
"""


@pytest.fixture
def replace_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put Python code in the place of a program; returns the folder of packages that has it."""

    def replace(package: str, code: str) -> Path:
        folder = tmp_path / "stand-in" / package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
        (folder / "__main__.py").write_text(code)
        # Found before the real one, which a .pth file names.
        monkeypatch.setenv("PYTHONPATH", str(folder.parent))
        return folder.parent

    return replace


@pytest.fixture
def stand_in(replace_program: Callable[..., Path]) -> Callable[[str], Path]:
    """Put a program in the place of the training program: Python code that finds its arguments in ``given``.

    Returns the folder in which it runs its code.
    """
    return lambda code: replace_program("churnguard_training", TRAINING_HEADER + code)


@pytest.fixture
def stand_in_server(replace_program: Callable[..., Path]) -> Callable[[str], Path]:
    """Put a program in the place of the server: Python code that finds its arguments in ``given``.

    It may ``log`` entries, ``serve`` readiness on its port, and ``wait_for_the_end``, which SIGINT brings.
    """
    return lambda code: replace_program("churnguard_serving", SERVER_HEADER + code)


@pytest.fixture(autouse=True)
def terminal_that_can_hang_up() -> Iterator[None]:
    """Where all this runs under nohup, programs would inherit that SIGHUP means nothing."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's terminal reaches what is compared."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
