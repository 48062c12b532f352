from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from churnguard_web import mounted
from churnguard_web.mounted import MountedFile

Step = Callable[[], object]
Follow = Callable[..., list[int]]


class InvalidNumberError(ValueError):
    """What stands in the file is no number."""


class OverError(Exception):
    """The last step was taken."""


def number(data: bytes) -> int:
    if len(data) > 10:
        raise InvalidNumberError("larger than 10 bytes")
    try:
        return int(data)
    except ValueError as error:
        raise InvalidNumberError(str(error)) from None


def file(path: Path) -> MountedFile[int]:
    return MountedFile(
        path=path, what="numbers", most_bytes=10, parse=number, invalid=InvalidNumberError, seconds=4711
    )


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Follow:
    """``applied(path, *steps)``: the numbers that are applied while the file goes through these steps."""

    def follow(path: Path, *steps: Step) -> list[int]:
        remaining = iter(steps)
        current = file(path).read()
        found: list[int] = []

        async def look_again(seconds: float) -> None:
            assert seconds == 4711
            step = next(remaining, None)
            if step is None:
                raise OverError
            step()

        monkeypatch.setattr(
            mounted, "asyncio", SimpleNamespace(sleep=look_again, to_thread=asyncio.to_thread)
        )
        with pytest.raises(OverError):
            asyncio.run(file(path).follow(current=current, apply=found.append))
        return found

    return follow


def nothing() -> None:
    return


def test_a_change_is_applied_once(tmp_path: Path, applied: Follow) -> None:
    path = tmp_path / "number"
    path.write_text("5")
    assert applied(path, nothing, lambda: path.write_text("7"), nothing, nothing) == [7]


def test_a_change_between_the_start_and_the_first_look_is_seen(tmp_path: Path, applied: Follow) -> None:
    path = tmp_path / "number"
    path.write_text("5")
    assert applied(path, lambda: path.write_text("7")) == [7]


def test_the_same_in_other_words_is_no_change(tmp_path: Path, applied: Follow) -> None:
    path = tmp_path / "number"
    path.write_text("5")
    assert applied(path, lambda: path.write_text("5\n"), nothing) == []


def test_what_cannot_be_used_is_logged_once_and_what_was_before_stays(
    tmp_path: Path, applied: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "number"
    path.write_text("5")
    with caplog.at_level(logging.INFO, logger="churnguard.web"):
        found = applied(
            path,
            lambda: path.write_text("7"),
            lambda: path.write_text("seven"),
            nothing,
            path.unlink,
            nothing,
            lambda: path.write_text("8"),
            lambda: path.write_bytes(b" " * 2_000_000),
            lambda: path.write_text("9"),
        )
    assert found == [7, 8, 9]
    problems = [vars(entry) for entry in caplog.records if entry.levelname == "ERROR"]
    assert {entry["message"] for entry in problems} == {"numbers unchanged: the new file cannot be used"}
    assert {entry["file"] for entry in problems} == {"number"}
    assert [entry["problem"] for entry in problems] == [
        "invalid literal for int() with base 10: b'seven'",
        "No such file or directory",
        "larger than 10 bytes",
    ]
    assert caplog.messages.count("numbers changed") == 3


def test_a_mounted_configmap_is_swapped_by_a_link(tmp_path: Path, applied: Follow) -> None:
    for name, content in (("one", "5"), ("two", "7")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "number").write_text(content)
    data, path = tmp_path / "..data", tmp_path / "number"
    data.symlink_to("one")
    path.symlink_to("..data/number")

    def swap() -> None:
        (tmp_path / "..data_tmp").symlink_to("two")
        (tmp_path / "..data_tmp").rename(data)

    assert applied(path, swap, nothing) == [7]


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "No such file"), (b"x", "invalid literal"), (b"1" * 11, "larger than")]
)
def test_what_cannot_be_read_at_the_start_is_refused_by_file(
    content: bytes | None, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "number"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidNumberError, match=f"{path}: {problem}"):
        file(path).read()
