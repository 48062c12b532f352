"""The file of write keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from churnguard_collector.keys import InvalidKeys, Keys, parse_keys
from churnguard_collector.reload import keys_file
from churnguard_collector_tests.write_keys import BROWSER, SERVER, SHOP, hashed, key_file


def parsed(document: Any) -> Keys:
    return parse_keys(json.dumps(document).encode())


def test_a_key_is_found_by_itself_and_never_stands_in_the_file() -> None:
    document = key_file()
    found = parsed(document).find(BROWSER)
    assert found is not None
    assert (found.id, found.kind, found.workspace.name) == ("browser", "browser", "demo")
    assert parsed(document).find(hashed(BROWSER)) is None
    assert BROWSER not in json.dumps(document)


def test_pages_may_use_browser_keys_of_their_origin() -> None:
    keys = parsed(key_file())
    browser, server = keys.find(BROWSER), keys.find(SERVER)
    assert browser is not None
    assert server is not None
    assert browser.allows_origin(SHOP)
    assert not browser.allows_origin("https://evil.example")
    assert not server.allows_origin(SHOP)
    assert keys.any_allows_origin(SHOP)
    assert not keys.any_allows_origin("null")


def entry(**more: Any) -> dict[str, Any]:
    return {"id": "a", "sha256": "0" * 64, "kind": "server", "workspace": "demo", **more}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ([entry(kind="browser")], "keys[a]: browser keys have origins, server keys have none"),
        ([entry(origins=[SHOP])], "keys[a]: browser keys have origins, server keys have none"),
        ([entry(workspace="other")], "keys[a]: there is no workspace other"),
        ([entry(), entry(sha256="1" * 64)], "keys: the id a is there twice"),
        ([entry(), entry(id="b")], f"keys: the sha256 {'0' * 64} is there twice"),
        ([entry(sha256="wk_demo")], "$.keys[0].sha256"),
        ([entry(kind="browser", origins=["shop.example"])], "$.keys[0].origins"),
        ([entry(burst=499)], "$.keys[0].burst"),
        ([entry(surprise=1)], "unknown field `surprise`"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(keys: list[Any], problem: str) -> None:
    with pytest.raises(InvalidKeys) as invalid:
        parsed(key_file(keys=keys))
    assert problem in str(invalid.value)


@pytest.mark.parametrize("secret", ["c2hvcnQ=", "not base64", "A" * 200])
def test_a_wrong_secret_is_named_and_not_shown(secret: str) -> None:
    workspace = {"subjectKey": {"version": 1, "secret": secret}}
    with pytest.raises(InvalidKeys) as invalid:
        parsed({"workspaces": {"demo": workspace}, "keys": [entry(kind="browser")]})
    assert "workspaces[demo].subjectKey.secret" in str(invalid.value)
    assert "browser keys have origins" in str(invalid.value)
    assert secret not in str(invalid.value)


def test_a_file_that_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeys, match="No such file"):
        keys_file(tmp_path / "missing.json").read()
    (tmp_path / "large.json").write_bytes(b" " * (1024 * 1024 + 1))
    with pytest.raises(InvalidKeys, match=r"large.json: larger than 1024 KiB"):
        keys_file(tmp_path / "large.json").read()
