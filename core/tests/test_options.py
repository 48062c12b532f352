from __future__ import annotations

import argparse

import pytest

from churnguard_core.options import add_log_level, port_number, seconds, whole_number


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.add_argument("--port", type=port_number, default=8080)
    made.add_argument("--days", type=whole_number(low=1, high=30), default=7)
    made.add_argument("--wait-seconds", type=seconds(low=0.5, high=3600), default=10.0)
    add_log_level(made)
    return made


def test_bounds_belong_to_their_ranges() -> None:
    lowest = parser().parse_args(["--port", "0", "--wait-seconds", "0.5", "--days", "1"])
    assert (lowest.port, lowest.wait_seconds, lowest.days, lowest.log_level) == (0, 0.5, 1, "info")
    highest = parser().parse_args(["--port", "65535", "--wait-seconds", "3600", "--days", "30"])
    assert (highest.port, highest.wait_seconds, highest.days) == (65535, 3600.0, 30)


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (("--port", "65536"), "--port: 65536 is not between 0 and 65535"),
        (("--port", "-1"), "-1 is not between 0 and 65535"),
        (("--port", "http"), "--port: invalid whole number value: 'http'"),
        (("--days", "31"), "--days: 31 is not between 1 and 30"),
        (("--days", "1.5"), "--days: invalid whole number value: '1.5'"),
        (("--wait-seconds", "3601"), "--wait-seconds: 3601 is not between 0.5 and 3600"),
        (("--wait-seconds", "0.4"), "0.4 is not between 0.5 and 3600"),
        (("--wait-seconds", "nan"), "nan is not between 0.5 and 3600"),
        (("--wait-seconds", "inf"), "inf is not between 0.5 and 3600"),
        (("--wait-seconds", "soon"), "--wait-seconds: invalid seconds value: 'soon'"),
        (("--log-level", "loud"), "--log-level: invalid choice: 'loud'"),
    ],
)
def test_what_is_out_of_range_is_a_usage_error(
    option: tuple[str, str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(option)
    assert caught.value.code == 2
    assert problem in capsys.readouterr().err
