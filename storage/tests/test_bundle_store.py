from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from churnguard_storage import MANIFEST, BundleStore, Credentials, StorageError, open_store, read_bundle

PATH = "retention/telco/telco-r7-0a1b2c3d4e5f"
FILES = {"model.json": b"[1, 2]", "plots/summary.png": bytes(range(256)), MANIFEST: b'{"format": 1}'}
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def at(model: str, *, number: int = 1) -> str:
    name = model.rpartition("/")[2]
    return f"{model}/{name}-r{number}-0a1b2c3d4e5f"


def test_what_is_put_is_listed_and_comes_back_by_path_and_by_uri(store: BundleStore) -> None:
    uri = store.put(PATH, FILES)
    assert uri == f"{store.uri}/{PATH}"
    assert store.get(PATH) == FILES
    assert store.get(uri) == FILES
    assert store.list("") == (PATH,)


def test_an_empty_store_holds_no_bundles(store: BundleStore) -> None:
    assert store.list("") == ()
    assert store.list("retention/telco") == ()


def test_a_listing_is_of_one_folder_not_of_names_that_begin_alike(store: BundleStore) -> None:
    paths = [
        at("retention/telco"),
        at("retention/telco", number=2),
        at("retention/telco-2"),
        at("other/telco"),
    ]
    for path in paths:
        store.put(path, FILES)
    assert store.list("retention/telco") == tuple(paths[:2])
    assert store.list("retention/telco/") == tuple(paths[:2])
    assert store.list("retention") == tuple(sorted(paths[:3]))
    assert store.list("") == tuple(sorted(paths))


def test_the_same_bundle_may_be_put_again(store: BundleStore) -> None:
    assert store.put(PATH, FILES) == store.put(PATH, FILES)
    assert store.get(PATH) == FILES


def test_another_bundle_at_the_same_path_is_refused_and_changes_nothing(store: BundleStore) -> None:
    store.put(PATH, FILES)
    with pytest.raises(StorageError, match="never overwritten") as caught:
        store.put(PATH, {"model.json": b"other", "more.json": b"{}", MANIFEST: b"other"})
    assert f"{store.uri}/{PATH}" in caught.value.message
    assert store.get(PATH) == FILES


def test_of_two_writers_at_once_one_wins_whole_and_the_other_is_told(store: BundleStore) -> None:
    start = Barrier(2)

    def put(content: bytes) -> str:
        start.wait()
        try:
            store.put(PATH, {**FILES, MANIFEST: content})
        except StorageError as refused:
            return refused.message
        return "won"

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip((b"one", b"two"), pool.map(put, (b"one", b"two")), strict=True))
    winner = store.get(PATH)[MANIFEST]
    assert outcomes.pop(winner) == "won"
    assert "never overwritten" in outcomes.popitem()[1]


@pytest.mark.servers
@pytest.mark.parametrize("nth", range(1, 6))
def test_a_writer_never_takes_away_what_another_finished_meanwhile(s3: Any, proxy: Any, nth: int) -> None:
    s3.bucket(f"meanwhile-{nth}")
    uri = f"s3://meanwhile-{nth}"
    faster = open_store(uri, credentials=s3.credentials())
    slower = open_store(uri, credentials=s3.credentials(port=proxy.port))
    requests: list[bytes] = []

    def finish_before_the_nth_request(data: bytes) -> None:
        requests.append(data)
        if len(requests) == nth:
            faster.put(PATH, {**FILES, MANIFEST: b"faster"})

    proxy.decide = finish_before_the_nth_request
    with pytest.raises(StorageError, match="never overwritten"):
        slower.put(PATH, {**FILES, MANIFEST: b"slower"})
    assert len(requests) >= nth
    assert faster.get(PATH) == {**FILES, MANIFEST: b"faster"}


def test_a_deleted_bundle_is_gone_and_its_neighbours_stay(store: BundleStore) -> None:
    kept = at("retention/telco", number=71)
    store.put(PATH, FILES)
    store.put(kept, FILES)
    store.delete(PATH)
    assert store.list("") == (kept,)
    with pytest.raises(StorageError, match=f"there is no bundle at {store.uri}/{PATH}"):
        store.get(PATH)
    store.delete(PATH)
    assert store.put(PATH, FILES)


def test_what_is_not_there_is_told(store: BundleStore) -> None:
    with pytest.raises(StorageError, match="there is no bundle"):
        store.get(PATH)


def test_a_bundle_of_another_store_is_not_read(store: BundleStore) -> None:
    for uri in ("s3://elsewhere/a/b", f"{store.uri}-2/{PATH}", f"{store.uri}/../{PATH}", store.uri):
        with pytest.raises(StorageError, match="is no bundle of the store"):
            store.get(uri)


@pytest.mark.parametrize(
    "path", ["", "/etc", "../x", "a/../b", "a//b", "a/.tmp-b", "a/b/", "a\\b", "a b", "a\0b", "é", "x" * 300]
)
def test_no_path_leaves_the_store(store: BundleStore, path: str) -> None:
    for call in (store.delete, store.get, lambda path: store.put(path, FILES)):
        with pytest.raises(ValueError, match="no path of a bundle"):
            call(path)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"model.json": b""},
        {MANIFEST: b"", "../x": b""},
        {MANIFEST: b"", ".hidden": b""},
        {MANIFEST: b"", "/x": b""},
        {MANIFEST: b"", "inner/manifest.json": b""},
    ],
)
def test_no_file_leaves_its_bundle(store: BundleStore, files: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="bundle"):
        store.put(PATH, files)
    assert store.list("") == ()


def test_a_bundle_that_is_too_large_is_neither_written_nor_read(
    store: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(PATH, FILES)
    monkeypatch.setattr("churnguard_storage.store.MAX_BUNDLE_BYTES", 100)
    with pytest.raises(StorageError, match="too many files or bytes"):
        store.get(PATH)
    with pytest.raises(ValueError, match="at most"):
        store.put(at("a/b"), FILES)


def test_sweeping_leaves_complete_bundles_alone(store: BundleStore) -> None:
    store.put(PATH, FILES)
    assert store.sweep("retention/telco", before=datetime.now(UTC) + timedelta(days=1)) == ()
    assert store.get(PATH) == FILES


def test_a_bundle_is_read_by_its_uri_alone(tmp_path: Path) -> None:
    uri = open_store(tmp_path.as_uri(), credentials=Credentials()).put(PATH, FILES)
    assert read_bundle(uri, credentials=Credentials()) == FILES
    for bad in ("telco", "s3://bucket", "file:///"):
        with pytest.raises(StorageError):
            read_bundle(bad, credentials=Credentials())


class TestFolder:
    """What only folders have."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> BundleStore:
        return open_store(tmp_path.as_uri(), credentials=Credentials())

    @pytest.mark.parametrize(
        "error", [KeyboardInterrupt(), SystemExit(143), OSError(28, "No space left on device")]
    )
    def test_an_interrupted_writer_leaves_nothing(
        self, folder: BundleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
    ) -> None:
        def fail(*_: Any) -> None:
            assert list(tmp_path.glob("retention/telco/.tmp-*/model.json"))
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(os, "rename", fail)
            with pytest.raises((type(error), StorageError)) as caught:
                folder.put(PATH, FILES)
        assert not isinstance(error, OSError) or "No space left on device" in str(caught.value)
        assert list((tmp_path / "retention" / "telco").iterdir()) == []
        assert folder.put(PATH, FILES)

    def test_leftovers_are_swept_when_they_are_old(self, folder: BundleStore, tmp_path: Path) -> None:
        model = tmp_path / "retention" / "telco"
        for name in (".tmp-old", ".tmp-new", ".other-old"):
            (model / name).mkdir(parents=True)
            (model / name / MANIFEST).touch()
        for name in (".tmp-old", ".other-old"):
            os.utime(model / name, (0, 0))
        assert folder.list("") == ()
        assert folder.sweep("retention/telco", before=LONG_AGO) == ("retention/telco/.tmp-old",)
        assert {path.name for path in model.iterdir()} == {".tmp-new", ".other-old"}

    def test_a_folder_that_is_no_bundle_is_not_written_into(
        self, folder: BundleStore, tmp_path: Path
    ) -> None:
        (tmp_path / PATH).mkdir(parents=True)
        (tmp_path / PATH / "notes.txt").touch()
        with pytest.raises(StorageError, match="never overwritten"):
            folder.put(PATH, FILES)
        assert [path.name for path in (tmp_path / PATH).iterdir()] == ["notes.txt"]

    def test_a_store_that_cannot_be_written_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        blocked = open_store((tmp_path / "file").as_uri(), credentials=Credentials())
        with pytest.raises(StorageError, match=f"Not a directory at file://.*{PATH}"):
            blocked.put(PATH, FILES)

    def test_a_claim_that_is_not_mounted_is_no_store(self, tmp_path: Path) -> None:
        environ = {"CHURNGUARD_CLAIM_ROOT": str(tmp_path)}
        with pytest.raises(StorageError, match="not mounted"):
            open_store("pvc://claim/bundles", credentials=Credentials(), environ=environ)


@pytest.mark.servers
class TestS3:
    """What only S3 has."""

    @pytest.fixture
    def bucket(self, s3: Any, request: pytest.FixtureRequest) -> str:
        name = f"bucket-{len(list(s3.root.iterdir()))}"
        s3.bucket(name)
        return name

    def test_objects_of_a_killed_writer_do_not_get_into_the_next_bundle(self, s3: Any, bucket: str) -> None:
        leftover = s3.bucket(bucket) / PATH / "leftover.json"
        leftover.parent.mkdir(parents=True)
        leftover.write_bytes(b"old")
        store = open_store(f"s3://{bucket}", credentials=s3.credentials())
        assert store.list("") == ()
        store.put(PATH, FILES)
        assert store.get(PATH) == FILES

    def test_leftovers_are_swept_when_they_are_old_and_named_as_bundles(self, s3: Any, bucket: str) -> None:
        model = s3.bucket(bucket) / "retention" / "telco"
        for name in (at("telco", number=1), at("telco", number=2), "notes/x", "other"):
            path = model / name.removeprefix("telco/")
            path.mkdir(parents=True)
            (path / "model.json").touch()
            if "r2" not in name:
                os.utime(path / "model.json", (0, 0))
        store = open_store(f"s3://{bucket}", credentials=s3.credentials())
        assert store.sweep("retention/telco", before=LONG_AGO) == (at("retention/telco", number=1),)
        left = {path.parent.relative_to(model).as_posix() for path in model.rglob("model.json")}
        assert left == {at("telco", number=2).removeprefix("telco/"), "notes/x", "other"}

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"secret_key": "wrong"}, "the access key was refused by"),
            ({"access_key": "unknown"}, "the access key was refused by"),
            ({"access_key": None, "secret_key": None}, "was denied"),
        ],
    )
    def test_a_store_that_refuses_the_key_is_told_for_every_call(
        self, s3: Any, bucket: str, wrong: dict[str, Any], words: str
    ) -> None:
        open_store(f"s3://{bucket}", credentials=s3.credentials()).put(PATH, FILES)
        store = open_store(f"s3://{bucket}", credentials=s3.credentials(**wrong))
        for call in (
            lambda: store.put(PATH, FILES),
            lambda: store.get(PATH),
            lambda: store.list(""),
            lambda: store.delete(PATH),
            lambda: store.sweep("", before=LONG_AGO),
        ):
            with pytest.raises(StorageError, match=words):
                call()

    def test_a_missing_bucket_is_told(self, s3: Any) -> None:
        store = open_store("s3://nowhere/x", credentials=s3.credentials())
        with pytest.raises(StorageError, match="there is no bucket 'nowhere'"):
            store.put(PATH, FILES)

    def test_a_store_for_reading_alone_refuses_to_be_written(
        self, s3: Any, start_s3: Any, bucket: str
    ) -> None:
        open_store(f"s3://{bucket}", credentials=s3.credentials()).put(PATH, FILES)
        reading = start_s3("--readonly", root=s3.root)
        store = open_store(f"s3://{bucket}", credentials=reading.credentials())
        assert store.get(PATH) == FILES
        with pytest.raises(StorageError, match="was denied"):
            store.put(at("retention/telco", number=8), FILES)
        with pytest.raises(StorageError, match="was denied"):
            store.delete(PATH)
        assert store.list("") == (PATH,)
