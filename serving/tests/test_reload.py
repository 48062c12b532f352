from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from churnguard_serving.reload import settings_file
from churnguard_serving.settings import InvalidSettings


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        (b"{", "truncated"),
        (b'{"levels": 1}', "Expected `object`"),
        (b'{"levels": {"medium": "0.9", "high": "0.1"}}', "must not exceed"),
        (b" " * 2_000_000, "larger than 1024 KiB"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_by_file(content: Any, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "serving.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidSettings, match=f"{path}: .*{problem}"):
        settings_file(path).read()
