from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from churnguard_storage import Credentials, StorageError, fetch, open_store

SECRET = "test-secret-key"


def refusal(uri: str, *, credentials: Credentials, folder: Path) -> StorageError:
    with pytest.raises(StorageError) as caught:
        fetch(uri, credentials=credentials, folder=folder)
    assert SECRET not in caught.value.message
    assert "Traceback" not in caught.value.message
    assert len(caught.value.message) < 500
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


@pytest.fixture
def claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "claims" / "datasets"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CHURNGUARD_CLAIM_ROOT", str(folder.parent))
    return folder


@pytest.fixture
def unreadable(tmp_path: Path) -> Iterator[Path]:
    """A file that this process may not read; root may read everything, so it lays that down."""
    path = tmp_path / "unreadable.csv"
    path.touch(mode=0)
    if os.geteuid() != 0:
        yield path
        return
    os.seteuid(65534)
    yield path
    os.seteuid(0)


def test_a_file_of_this_machine_is_used_where_it_is(tmp_path: Path, credentials: Credentials) -> None:
    path = tmp_path / "some customers.csv"
    path.write_text("a,b\n")
    assert fetch(path.as_uri(), credentials=credentials, folder=tmp_path) == path
    assert fetch(f"file://localhost{path}", credentials=credentials, folder=tmp_path) == path


def test_a_file_of_a_claim_is_found_below_its_mount(claim: Path, credentials: Credentials) -> None:
    path = claim / "2026" / "telco.csv"
    path.parent.mkdir()
    path.write_text("a,b\n")
    assert fetch("pvc://datasets/2026/telco.csv", credentials=credentials, folder=claim) == path


def test_a_missing_file_is_named(tmp_path: Path, credentials: Credentials) -> None:
    uri = (tmp_path / "missing.csv").as_uri()
    assert refusal(uri, credentials=credentials, folder=tmp_path).problems == (f"there is no file {uri}",)


def test_a_file_without_permission_is_named(credentials: Credentials, unreadable: Path) -> None:
    refused = refusal(unreadable.as_uri(), credentials=credentials, folder=unreadable.parent)
    assert refused.problems == (f"no permission to read {unreadable.as_uri()}",)


def test_folders_and_pipes_are_no_files(tmp_path: Path, credentials: Credentials) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path, tmp_path / "pipe.csv"):
        assert "is not a file" in refusal(path.as_uri(), credentials=credentials, folder=tmp_path).message


def test_a_claim_that_is_not_mounted_is_named(claim: Path, credentials: Credentials) -> None:
    message = refusal("pvc://other/telco.csv", credentials=credentials, folder=claim).message
    assert "the claim of pvc://other/telco.csv is not mounted" in message


def test_no_path_leads_out_of_its_claim(claim: Path, credentials: Credentials) -> None:
    (claim.parent / "secret.csv").write_text("not yours")
    (claim / "link.csv").symlink_to("../secret.csv")
    for path in ("../secret.csv", "a/../../secret.csv", "./x", "a//b", "link.csv"):
        refused = refusal(f"pvc://datasets/{path}", credentials=credentials, folder=claim)
        assert "segment" in refused.message or "out of its claim" in refused.message


def test_a_link_within_a_claim_is_followed(claim: Path, credentials: Credentials) -> None:
    (claim / "telco.csv").write_text("a,b\n")
    (claim / "latest.csv").symlink_to("telco.csv")
    path = fetch("pvc://datasets/latest.csv", credentials=credentials, folder=claim)
    assert path.read_text() == "a,b\n"


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        ("customers.csv", "is no address"),
        ("https://example.com/customers.csv", "is no address"),
        ("file://customers.csv", "absolute"),
        ("file:///a%00b", "absolute"),
        ("s3://bucket/a\nb", "control characters"),
        ("s3://b/x.csv", "no name of a bucket"),
        ("s3://two words/x.csv", "no name of a bucket"),
        ("s3://bucket", "names no object"),
        ("s3://bucket/folder/", "names no object"),
        ("s3://bucket/../x.csv", "segment"),
        ("pvc://Claim/x.csv", "no name of a PersistentVolumeClaim"),
        ("pvc://../x.csv", "no name of a PersistentVolumeClaim"),
    ],
)
def test_what_is_no_address_is_refused(uri: str, word: str, tmp_path: Path, credentials: Credentials) -> None:
    assert word in refusal(uri, credentials=credentials, folder=tmp_path).message


@pytest.mark.parametrize(
    "endpoint",
    [
        "127.0.0.1:9000",
        "ftp://127.0.0.1",
        "http://",
        "http://a b",
        "http://[::1",
        "http://host:99999",
        "http://user:test-secret-key@host",
        "http://host/?x=1",
    ],
)
def test_a_malformed_endpoint_is_refused_before_anything_is_sent(endpoint: str, tmp_path: Path) -> None:
    credentials = Credentials(access_key="a", secret_key=SECRET, endpoint=endpoint)
    assert "endpoint" in refusal("s3://bucket/x.csv", credentials=credentials, folder=tmp_path).message


def test_a_malformed_access_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    credentials = Credentials(access_key="a\nb", secret_key=SECRET, endpoint="http://127.0.0.1:9")
    message = refusal("s3://bucket/x.csv", credentials=credentials, folder=tmp_path).message
    assert message == "the access key holds characters that no access key has"


@pytest.mark.servers
class TestS3:
    """Against a real server."""

    @pytest.fixture
    def content(self, s3: Any) -> bytes:
        content = bytes(range(256)) * 100_000
        (s3.bucket("data") / "2026").mkdir(exist_ok=True)
        (s3.bucket("data") / "2026" / "my customers.csv").write_bytes(content)
        return content

    def test_an_object_is_downloaded_under_its_name(self, s3: Any, content: bytes, tmp_path: Path) -> None:
        path = fetch("s3://data/2026/my customers.csv", credentials=s3.credentials(), folder=tmp_path)
        assert path == tmp_path / "my customers.csv"
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]

    def test_a_wrong_key_of_an_object_names_bucket_and_key(
        self, s3: Any, content: bytes, tmp_path: Path
    ) -> None:
        refused = refusal("s3://data/2026/nope.csv", credentials=s3.credentials(), folder=tmp_path)
        assert "there is no object s3://data/2026/nope.csv" in refused.message
        assert "bucket 'data'" in refused.message
        assert list(tmp_path.iterdir()) == []

    def test_a_missing_bucket_is_told_apart_from_a_missing_object(self, s3: Any, tmp_path: Path) -> None:
        refused = refusal("s3://nowhere/x.csv", credentials=s3.credentials(), folder=tmp_path)
        assert refused.problems[0].startswith(f"there is no bucket 'nowhere' at http://127.0.0.1:{s3.port}")

    @pytest.mark.parametrize("wrong", [{"secret_key": "wrong"}, {"access_key": "unknown"}])
    def test_wrong_keys_are_refused_by_the_server(
        self, s3: Any, content: bytes, wrong: dict[str, str], tmp_path: Path
    ) -> None:
        uri = "s3://data/2026/my customers.csv"
        refused = refusal(uri, credentials=s3.credentials(**wrong), folder=tmp_path)
        assert refused.problems[0].startswith(f"the access key was refused by {uri}")

    def test_without_keys_a_private_bucket_is_denied(self, s3: Any, content: bytes, tmp_path: Path) -> None:
        nobody = s3.credentials(access_key=None, secret_key=None)
        refused = refusal("s3://data/2026/my customers.csv", credentials=nobody, folder=tmp_path)
        assert "was denied" in refused.message

    def test_an_endpoint_that_is_down_is_named(
        self, s3: Any, free_port: Callable[[], int], tmp_path: Path
    ) -> None:
        port = free_port()
        refused = refusal("s3://data/x.csv", credentials=s3.credentials(port=port), folder=tmp_path)
        assert f"the endpoint http://127.0.0.1:{port} is not reachable" in refused.message
        assert "network policies" in refused.hint

    def test_a_connection_that_breaks_once_is_taken_up_again(
        self, s3: Any, proxy: Any, content: bytes, tmp_path: Path
    ) -> None:
        cuts: list[int] = []

        def cut_once(_: bytes) -> int | None:
            cuts.append(1)
            return 5_000_000 if len(cuts) == 1 else None

        proxy.decide = cut_once
        credentials = s3.credentials(port=proxy.port)
        path = fetch("s3://data/2026/my customers.csv", credentials=credentials, folder=tmp_path)
        assert len(cuts) > 1
        assert path.read_bytes() == content

    def test_an_object_that_changes_while_it_is_read_is_not_patched_together(
        self, s3: Any, proxy: Any, tmp_path: Path
    ) -> None:
        s3.bucket("changing")
        writer = open_store("s3://changing", credentials=s3.credentials())
        writer.put("x", {"manifest.json": b"old" * 1_000_000})
        requests: list[bytes] = []

        def replace_then_cut(data: bytes) -> int | None:
            requests.append(data)
            if len(requests) == 1:
                return 2_000_000
            writer.delete("x")
            writer.put("x", {"manifest.json": b"new" * 1_000_000})
            return None

        proxy.decide = replace_then_cut
        credentials = s3.credentials(port=proxy.port)
        refused = refusal("s3://changing/x/manifest.json", credentials=credentials, folder=tmp_path)
        assert "was changed while it was read" in refused.message
        assert b"Range: bytes=" in requests[1] or b"range: bytes=" in requests[1]

    def test_an_object_without_room_on_the_disk_is_refused(
        self, s3: Any, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
        refused = refusal("s3://data/2026/my customers.csv", credentials=s3.credentials(), folder=tmp_path)
        assert "has 25600000 bytes; there is room for 1000" in refused.message
        assert list(tmp_path.iterdir()) == []

    def test_a_connection_that_always_breaks_is_given_up_without_a_trace(
        self, s3: Any, proxy: Any, content: bytes, tmp_path: Path
    ) -> None:
        cuts: list[int] = []

        def always_cut(_: bytes) -> int:
            cuts.append(1)
            return 100_000

        proxy.decide = always_cut
        credentials = s3.credentials(port=proxy.port)
        refused = refusal("s3://data/2026/my customers.csv", credentials=credentials, folder=tmp_path)
        assert "broke 5 times while s3://data/2026/my customers.csv was read" in refused.message
        assert len(cuts) == 5
        assert list(tmp_path.iterdir()) == []
