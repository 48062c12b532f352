from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from churnguard_serving import reload
from churnguard_serving.settings import InvalidSettings, Settings

Step = Callable[[], object]


class OverError(Exception):
    """The last step was taken."""


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """``applied(path, *steps)``: the values of ``levels.high`` applied while the file goes through these steps."""

    def follow(path: Path, *steps: Step) -> list[str]:
        remaining = iter(steps)
        current = reload.read_settings(path)
        found: list[Settings] = []

        async def look_again(seconds: float) -> None:
            assert seconds == reload.SECONDS
            step = next(remaining, None)
            if step is None:
                raise OverError
            step()

        stand_in = SimpleNamespace(sleep=look_again, to_thread=asyncio.to_thread)
        monkeypatch.setattr(reload, "asyncio", stand_in)
        with pytest.raises(OverError):
            asyncio.run(reload.follow(path, current=current, apply=found.append))
        return [settings.levels.high for settings in found]

    return follow


def levels(high: str) -> str:
    return json.dumps({"levels": {"high": high}})


def nothing() -> None:
    return


def test_a_change_is_applied_once(tmp_path: Path, applied: Callable[..., list[str]]) -> None:
    path = tmp_path / "serving.json"
    path.write_text(levels("0.5"))
    found = applied(path, nothing, lambda: path.write_text(levels("0.7")), nothing, nothing)
    assert found == ["0.7"]


def test_a_change_between_the_start_and_the_first_look_is_seen(
    tmp_path: Path, applied: Callable[..., list[str]]
) -> None:
    path = tmp_path / "serving.json"
    path.write_text(levels("0.5"))
    assert applied(path, lambda: path.write_text(levels("0.7"))) == ["0.7"]


def test_the_same_settings_in_other_words_are_no_change(
    tmp_path: Path, applied: Callable[..., list[str]]
) -> None:
    path = tmp_path / "serving.json"
    path.write_text(levels("0.5"))
    assert applied(path, lambda: path.write_text(levels("0.5") + "\n"), nothing) == []


def test_settings_that_cannot_be_used_are_logged_and_the_old_ones_stay(
    tmp_path: Path, applied: Callable[..., list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "serving.json"
    path.write_text(levels("0.5"))
    with caplog.at_level(logging.INFO, logger="churnguard.serving"):
        found = applied(
            path,
            lambda: path.write_text(levels("0.7")),
            lambda: path.write_text(levels("0.1")),
            nothing,
            lambda: path.write_text("{"),
            path.unlink,
            nothing,
            lambda: path.write_text(levels("0.8")),
            lambda: path.write_bytes(b" " * 2_000_000),
            lambda: path.write_text(levels("0.9")),
        )
    assert found == ["0.7", "0.8", "0.9"]
    unchanged = [vars(entry) for entry in caplog.records if entry.levelname == "ERROR"]
    assert {entry["message"] for entry in unchanged} == {"settings unchanged: the new file cannot be used"}
    assert {entry["file"] for entry in unchanged} == {"serving.json"}
    problems = [entry["problem"] for entry in unchanged]
    assert len(problems) == 4
    assert "must not exceed" in problems[0]
    assert problems[2:] == ["cannot be read", "larger than 1024 KiB"]


def test_a_mounted_configmap_is_swapped_by_a_link(tmp_path: Path, applied: Callable[..., list[str]]) -> None:
    for name, high in (("one", "0.5"), ("two", "0.7")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "serving.json").write_text(levels(high))
    data, path = tmp_path / "..data", tmp_path / "serving.json"
    data.symlink_to("one")
    path.symlink_to("..data/serving.json")

    def swap() -> None:
        (tmp_path / "..data_tmp").symlink_to("two")
        (tmp_path / "..data_tmp").rename(data)

    assert applied(path, swap, nothing) == ["0.7"]


@pytest.mark.parametrize("content", [None, b"{", b'{"levels": 1}'])
def test_settings_at_the_start_are_refused_by_file(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "serving.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSettings, match=str(path)):
        reload.read_settings(path)
