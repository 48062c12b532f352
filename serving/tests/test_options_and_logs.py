from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from churnguard_core.logs import JsonFormatter
from churnguard_serving.logs import WithoutCallersErrors
from churnguard_serving.options import parse_options

REQUIRED = ("--bundle", "file:///store/telco", "--name", "telco")


def test_only_bundle_and_name_are_required() -> None:
    options = parse_options(REQUIRED)
    assert (options.bundle, options.name) == ("file:///store/telco", "telco")
    assert (options.host, options.port, options.grpc_port) == ("0.0.0.0", 8080, None)
    assert (options.digest, options.serving, options.docs) == (None, None, False)
    assert (options.drain_seconds, options.log_level) == (10.0, "info")


def test_every_option_can_be_given() -> None:
    given = ("--digest", "sha256:00", "--serving", "/etc/serving.json", "--host", "::1", "--port", "0")
    more = ("--grpc-port", "8081", "--drain-seconds", "2.5", "--docs", "--log-level", "debug")
    options = parse_options([*REQUIRED, *given, *more])
    assert options.digest == "sha256:00"
    assert options.serving == Path("/etc/serving.json")
    assert (options.host, options.port, options.grpc_port) == ("::1", 0, 8081)
    assert (options.drain_seconds, options.docs, options.log_level) == (2.5, True, "debug")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: --bundle, --name"),
        ([*REQUIRED[:3], "tel/co x"], "'tel/co x' is no name of a ChurnModel"),
        ([*REQUIRED, "--port", "65536"], "argument --port: 65536 is not between 0 and 65535"),
        ([*REQUIRED, "--port", "-1"], "argument --port"),
        ([*REQUIRED, "--grpc-port", "http"], "argument --grpc-port"),
        ([*REQUIRED, "--drain-seconds", "3601"], "3601 is not between 0 and 3600"),
        ([*REQUIRED, "--drain-seconds", "-1"], "argument --drain-seconds"),
        ([*REQUIRED, "--drain-seconds", "nan"], "nan is not between 0 and 3600"),
        ([*REQUIRED, "--log-level", "loud"], "argument --log-level"),
        ([*REQUIRED, "--workers", "2"], "unrecognized arguments: --workers 2"),
        ([*REQUIRED, "--drain", "2"], "unrecognized arguments: --drain 2"),
        ([*REQUIRED, "model"], "unrecognized arguments: model"),
    ],
)
def test_wrong_arguments_end_with_2_and_are_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_options(arguments)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_options(["--help"])
    assert caught.value.code == 0
    assert "exit codes: 0 stopped by a signal, 1 crashed, 2 refused" in capsys.readouterr().out


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.getLogger("x").makeRecord(
        "churnguard.serving", logging.INFO, "x.py", 1, message, arguments, None, extra=extra
    )
    made.created = 1_767_323_045.678
    return made


def test_a_line_is_one_json_object_with_what_was_added() -> None:
    line = JsonFormatter().format(
        record("ready in %s", "2 s", port=8080, file=Path("/x"), model="tel\nco", argument="\udcff")
    )
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-01-02T03:04:05.678+00:00",
        "level": "info",
        "logger": "churnguard.serving",
        "message": "ready in 2 s",
        "port": 8080,
        "file": "/x",
        "model": "tel\nco",
        "argument": "\udcff",
    }


def raised(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except Exception:
        made = record("failed")
        made.exc_info = sys.exc_info()
        return made


def test_a_traceback_stays_on_its_line() -> None:
    line = JsonFormatter().format(raised(ValueError("why")))
    assert "\n" not in line
    assert json.loads(line)["traceback"].endswith("ValueError: why")


def test_only_the_errors_of_callers_are_dropped() -> None:
    drop = WithoutCallersErrors(KeyError)
    assert not drop.filter(raised(KeyError("asked for something wrong")))
    assert drop.filter(raised(ValueError("ours")))
    assert drop.filter(record("no error at all"))
