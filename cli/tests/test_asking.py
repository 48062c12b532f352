"""``churnguard predict`` and ``explain`` against a stand-in for a server."""

from __future__ import annotations

import os
import pty
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

Run = Callable[..., Any]
Start = Callable[..., subprocess.Popen[str]]

INPUTS = {"tenure": "FP64", "Contract": "BYTES", "Paperless": "BOOL"}
METADATA = {"name": "telco", "inputs": [{"name": n, "datatype": d, "shape": [-1]} for n, d in INPUTS.items()]}


@dataclass
class Server:
    """What it answers, and the requests that it got: path and instances."""

    url: str = ""
    models: list[str] = field(default_factory=lambda: ["telco"])
    answer: Callable[[str, list[Any]], tuple[int, Any]] = lambda path, instances: (200, {})
    asked: list[tuple[str, list[Any]]] = field(default_factory=list)


def by_tenure(path: str, instances: list[Any]) -> tuple[int, Any]:
    """The risk is the tenure in percent."""
    explained = {
        "insights": ["Offer a 12-month contract"],
        "shap_values": {"tenure": 0.8, "Contract": -0.4, "Paperless": 0.01},
        "baseline": 0.0,
        "space": "logOdds",
    }
    extra = explained if path.endswith(":explain") else {}
    predictions = [
        {"risk_score": (instance.get("tenure") or 0) / 100, "risk_level": "low", **extra}
        for instance in instances
    ]
    return 200, {"predictions": predictions, "model": "telco", "revision": "telco-r1"}


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server(answer=by_tenure)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = {"/v1/models": {"models": state.models}, "/v2/models/telco": METADATA}
            found = known.get(self.path)
            self.reply(404 if found is None else 200, found or {"error": f"no {self.path}"})

        def do_POST(self) -> None:
            body = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append((self.path, body["instances"]))
            self.reply(*state.answer(self.path, body["instances"]))

        def reply(self, status: int, document: Any) -> None:
            body = document if isinstance(document, bytes) else msgspec.json.encode(document)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        http.shutdown()
        thread.join()


@pytest.fixture
def ask(churnguard: Run, server: Server) -> Run:
    return lambda *arguments: churnguard(*arguments, "--url", server.url)


def test_fields_are_typed_as_the_model_wants_them(ask: Run, server: Server) -> None:
    outcome = ask("predict", "tenure=12", "Contract=Month-to-month", "Paperless=True")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == '{"risk_score":0.12,"risk_level":"low"}\n'
    record = {"tenure": 12, "Contract": "Month-to-month", "Paperless": True}
    assert server.asked == [("/v1/models/telco:predict", [record])]


@pytest.mark.parametrize(
    ("name", "text", "records"),
    [
        ("one.json", '{"tenure": 1}', [{"tenure": 1}]),
        ("list.json", ' [{"tenure": 1}, {"Contract": null}]', [{"tenure": 1}, {"Contract": None}]),
        ("request.json", '\ufeff{"instances": [{"tenure": 1}, {}]}', [{"tenure": 1}, {}]),
        (
            "customers.csv",
            "\ufefftenure,Contract\r\n1,One year\r\n2.5,\r\n ,1\r\n",
            [
                {"tenure": 1, "Contract": "One year"},
                {"tenure": 2.5, "Contract": None},
                {"tenure": None, "Contract": "1"},
            ],
        ),
        ("semicolons.csv", '"tenure"\n"1"\n\n', [{"tenure": 1}]),
    ],
)
def test_files_are_read_as_they_begin(
    ask: Run, server: Server, tmp_path: Path, name: str, text: str, records: list[Any]
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    outcome = ask("predict", tmp_path / name)
    assert (outcome.code, outcome.err) == (0, "")
    assert server.asked == [("/v1/models/telco:predict", records)]


def test_standard_input_is_read_like_a_file(start: Start, server: Server) -> None:
    with start("predict", "-", "--url", server.url, stdin=subprocess.PIPE) as process:
        out, err = process.communicate("tenure,Contract\n7,x\n")
    assert (process.returncode, out, err) == (0, '{"risk_score":0.07,"risk_level":"low"}\n', "")


def test_many_records_go_in_requests_that_the_server_takes(ask: Run, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("tenure\n" + "".join(f"{row}\n" for row in range(2500)))
    outcome = ask("predict", path)
    assert outcome.code == 0
    assert [len(instances) for _, instances in server.asked] == [1000, 1000, 500]
    risks = [msgspec.json.decode(line)["risk_score"] for line in outcome.out.splitlines()]
    assert risks == [row / 100 for row in range(2500)]


def test_problems_are_named_one_per_line_with_the_number_of_the_customer(
    ask: Run, server: Server, tmp_path: Path
) -> None:
    def refuse(path: str, instances: list[Any]) -> tuple[int, Any]:
        if instances[0] == {"tenure": 0}:
            return by_tenure(path, instances)
        problems = [
            {"instance": 4, "field": "tenure", "message": "expected a number, got a string"},
            {"message": "and \x1b]0;something\x07 else"},
        ]
        return 400, {"error": "cannot be used", "problems": problems, "more": 7}

    server.answer = refuse
    path = tmp_path / "many.csv"
    path.write_text("tenure\n" + "".join(f"{row}\n" for row in range(1500)))
    outcome = ask("predict", path)
    assert outcome.code == 2
    assert len(outcome.out.splitlines()) == 1000
    assert outcome.err == (
        "error: customer 1,005, tenure: expected a number, got a string\n"
        "error: and �]0;something� else\n"
        "and 7 more\n"
    )


def test_fields_that_the_model_has_not_are_left_out_and_named(
    ask: Run, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("customerID,tenure,Churn\nA,1,No\nB,2,Yes\n")
    outcome = ask("explain", path)
    assert outcome.code == 0
    assert outcome.err == "telco has no such fields, they were left out: Churn, customerID\n"
    assert server.asked == [("/v1/models/telco:explain", [{"tenure": 1}, {"tenure": 2}])]


def test_one_of_several_models_is_named(ask: Run, server: Server) -> None:
    server.models = ["telco", "shoppers"]
    outcome = ask("predict", "tenure=1")
    assert (outcome.code, outcome.out) == (2, "")
    assert "the server has 2 models (telco, shoppers); name one with --model" in outcome.err
    assert ask("predict", "tenure=1", "--model", "telco").code == 0


def test_a_model_that_is_not_there_is_said(ask: Run) -> None:
    outcome = ask("predict", "tenure=1", "--model", "other/../x")
    assert (outcome.code, outcome.err) == (2, "error: no /v2/models/other%2F..%2Fx\n")


def test_where_nobody_listens_one_is_told_how_to_start_a_server(churnguard: Run) -> None:
    outcome = churnguard("predict", "tenure=1", "--url", "http://127.0.0.1:1/")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(
        "error: no server listens on http://127.0.0.1:1\n\nhint: churnguard up FILE"
    )


@pytest.mark.parametrize(
    ("status", "answer", "problem"),
    [
        (200, {"hello": "world"}, "answers, but not as a server of ChurnGuard"),
        (200, b"<html>", "answers, but not as a server of ChurnGuard"),
        (503, {"error": "draining"}, ":predict answers 503: draining"),
        (404, b"<html>not found", ":predict answers 404: <html>not found"),
        (302, b"", ":predict answers 302: "),
    ],
)
def test_what_is_no_answer_is_a_failure(
    ask: Run, server: Server, status: int, answer: Any, problem: str
) -> None:
    server.answer = lambda *_: (status, answer)
    outcome = ask("predict", "tenure=1")
    assert (outcome.code, outcome.out) == (1, "")
    assert problem in outcome.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none.csv"], "error: none.csv: No such file or directory\n"),
        (["."], "error: .: no file\n"),
        (["a.csv", "b.csv"], "give one file, or - for standard input, or fields as name=value"),
        (["tenure=1", "a.csv"], "give one file, or - for standard input, or fields as name=value"),
        ([], "Missing argument"),
        (["tenure=1", "tenure=2"], "error: tenure: given twice\n"),
        (["no.json"], "error: no.json: no JSON: "),
        (["numbers.json"], "error: numbers.json: record 2 is no object with fields\n"),
        (["empty.json"], "error: empty.json: holds no records\n"),
        (["header.csv"], "error: header.csv: holds no records\n"),
        (["short.csv"], "error: short.csv: line 3: 1 cells, the header has 2\n"),
        (["twice.csv"], "error: twice.csv: line 1: columns with the same name: a\n"),
        (["quote.csv"], "error: quote.csv: line 2: unexpected end of data\n"),
        (["a.parquet"], "error: a.parquet: is Parquet; only CSV and JSON are read here\n"),
        (["latin.csv"], "the text is not UTF-8\n"),
    ],
)
def test_what_holds_no_customers_is_refused(
    ask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("no.json").write_text("{")
    Path("numbers.json").write_text("[{}, 1]")
    Path("empty.json").write_text("[]")
    Path("a.parquet").write_bytes(b"PAR1\x15\x04")
    Path("header.csv").write_text("tenure\n")
    Path("short.csv").write_text("tenure,b\n1,2\n3\n")
    Path("twice.csv").write_text("a,a\n1,2\n")
    Path("quote.csv").write_text('a\n"1\n')
    Path("latin.csv").write_bytes("Contract\nZürich\n".encode("latin-1"))
    outcome = ask("predict", *arguments)
    assert outcome.code == 2
    assert problem in outcome.err


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://host/?a=b", "http://host:x"]
)
def test_what_is_no_address_is_a_usage_error(churnguard: Run, url: str) -> None:
    outcome = churnguard("predict", "tenure=1", "--url", url)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--url" in outcome.err


def on_terminal(start: Start, *arguments: str | Path) -> str:
    controller, terminal = pty.openpty()
    with start(*arguments, stdout=terminal, env={**os.environ, "NO_COLOR": "1"}) as process:
        os.close(terminal)
        _, err = process.communicate()
    shown = os.read(controller, 65536).decode()
    os.close(controller)
    assert (process.returncode, err) == (0, "")
    return shown.replace("\r\n", "\n")


def test_a_terminal_sees_a_table(start: Start, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "two.json"
    path.write_text('[{"tenure": 7}, {"tenure": 93.25}]')
    assert on_terminal(start, "predict", path, "--url", server.url) == (
        "customer    risk  level\n       1   7.0 %  low\n       2  93.2 %  low\n"
    )


def test_a_terminal_sees_what_raises_and_what_lowers_a_risk(start: Start, server: Server) -> None:
    shown = on_terminal(start, "explain", "tenure=7", "Paperless=false", "--url", server.url)
    assert shown == (
        "customer 1: risk 7.0 %, low\n"
        "  advice  Offer a 12-month contract\n"
        "  starts at 50.0 %, where all reasons begin\n"
        "  raises  tenure = 7                                    +0.80 ████████████████████\n"
        "          Paperless = false                             +0.01 █\n"
        "  lowers  Contract not given                            -0.40 ██████████\n"
        "  in log-odds; all of them and the start add up to the risk\n"
        "\n"
    )
