from __future__ import annotations

from pathlib import Path

import pytest

from churnguard_storage import Credentials, StorageError, read_credentials


def test_a_mounted_secret_is_read_by_its_keys_without_line_ends(tmp_path: Path) -> None:
    for key, value in {
        "uri": "u",
        "accessKey": "a\n",
        "secretKey": " s\r\n",
        "endpoint": "e",
        "other": "o",
    }.items():
        (tmp_path / key).write_text(value)
    found = read_credentials(role="source", environ={"CHURNGUARD_SOURCE_SECRET_DIR": str(tmp_path)})
    assert found == Credentials(uri="u", access_key="a", secret_key="s", endpoint="e")


def test_variables_of_the_environment_win_over_files(tmp_path: Path) -> None:
    (tmp_path / "uri").write_text("from the file")
    (tmp_path / "endpoint").write_text("from the file")
    environ = {
        "CHURNGUARD_STORE_SECRET_DIR": str(tmp_path),
        "CHURNGUARD_STORE_URI": "from the environment",
        "CHURNGUARD_STORE_ENDPOINT": "",
        "CHURNGUARD_SOURCE_URI": "of another role",
    }
    found = read_credentials(role="store", environ=environ)
    assert (found.uri, found.endpoint) == ("from the environment", "from the file")


def test_nothing_given_is_no_credentials(tmp_path: Path) -> None:
    environ = {"CHURNGUARD_STORE_SECRET_DIR": str(tmp_path / "missing")}
    assert read_credentials(role="store", environ=environ) == Credentials()


def test_a_representation_shows_no_value() -> None:
    secret = Credentials(uri="hidden", access_key="hidden", secret_key="hidden", endpoint="hidden")
    assert "hidden" not in f"{secret!r} {secret}"


def test_every_broken_key_is_named_at_once_and_no_value_shown(tmp_path: Path) -> None:
    (tmp_path / "uri").mkdir()
    (tmp_path / "accessKey").write_text("hidden\nhidden")
    (tmp_path / "secretKey").write_bytes(b"hidden\xff")
    (tmp_path / "endpoint").write_text("hidden" * 20_000)
    with pytest.raises(StorageError) as caught:
        read_credentials(role="store", environ={"CHURNGUARD_STORE_SECRET_DIR": str(tmp_path)})
    assert [problem.split()[1] for problem in caught.value.problems] == [
        "uri",
        "accessKey",
        "secretKey",
        "endpoint",
    ]
    assert "hidden" not in caught.value.message
    assert caught.value.hint == "mend the Secret mounted for the store, or the variables CHURNGUARD_STORE_*"


@pytest.mark.parametrize("only", ["ACCESS_KEY", "SECRET_KEY"])
def test_half_a_pair_of_keys_is_refused(only: str, tmp_path: Path) -> None:
    environ = {f"CHURNGUARD_SOURCE_{only}": "x", "CHURNGUARD_SOURCE_SECRET_DIR": str(tmp_path)}
    with pytest.raises(StorageError, match="only one of the keys accessKey and secretKey"):
        read_credentials(role="source", environ=environ)
