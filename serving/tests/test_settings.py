from __future__ import annotations

import json
from typing import Any

import pytest

from churnguard_serving.settings import MOST_BYTES, InvalidSettings, Settings, parse_settings


def test_an_empty_object_means_the_defaults() -> None:
    settings = parse_settings(b"{}")
    assert settings == Settings()
    assert (settings.levels.medium, settings.levels.high) == ("0.30", "0.60")
    assert settings.insights == ()
    assert (settings.limits.max_instances, settings.limits.max_body_bytes) == (10_000, 8 * 1024 * 1024)


def test_every_part_can_be_set() -> None:
    settings = parse_settings(
        json.dumps(
            {
                "levels": {"medium": "0.5", "high": "0.5"},
                "insights": [{"when": {"feature": "tenure", "atMost": "6"}, "text": "Call"}],
                "limits": {"maxBodyBytes": 1024, "maxInstances": 1_000_000},
            }
        ).encode()
    )
    assert (settings.levels.medium, settings.levels.high) == ("0.5", "0.5")
    assert settings.insights[0].text == "Call"
    assert (settings.limits.max_body_bytes, settings.limits.max_instances) == (1024, 1_000_000)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([], "Expected `object`"),
        ({"level": {}}, "unknown field `level`"),
        ({"levels": {"low": "0.1"}}, "unknown field `low` - at `$.levels`"),
        ({"limits": {"rows": 1}}, "unknown field `rows` - at `$.limits`"),
        ({"levels": {"medium": 0.3}}, "Expected `str`"),
        ({"levels": {"medium": "1.01"}}, "at `$.levels.medium`"),
        ({"levels": {"high": "-0.1"}}, "at `$.levels.high`"),
        ({"levels": {"medium": "0.61"}}, "levels.medium must not exceed levels.high - at `$.levels`"),
        ({"levels": {"high": "0.29"}}, "levels.medium must not exceed levels.high"),
        ({"limits": {"maxInstances": 0}}, "at `$.limits.maxInstances`"),
        ({"limits": {"maxInstances": 1_000_001}}, "at `$.limits.maxInstances`"),
        ({"limits": {"maxBodyBytes": 1023}}, "at `$.limits.maxBodyBytes`"),
        ({"limits": {"maxBodyBytes": 256 * 1024 * 1024 + 1}}, "at `$.limits.maxBodyBytes`"),
        ({"insights": [{"text": "Call"}]}, "missing required field `when` - at `$.insights[0]`"),
        ({"insights": [{"when": {"feature": "tenure"}}]}, "missing required field `text`"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_place(settings: Any, words: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        parse_settings(json.dumps(settings).encode())
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"levels"', b"\xff", b'{"insights": ' + b"[" * 5_000, b"levels: {}"]
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidSettings):
        parse_settings(data)


def test_a_huge_file_is_not_even_parsed() -> None:
    with pytest.raises(InvalidSettings, match="larger than 1024 KiB"):
        parse_settings(b" " * MOST_BYTES + b"{}")
