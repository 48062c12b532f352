"""Writers that die by SIGKILL in the middle of what they do."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from churnguard_storage import BundleStore, Credentials, open_store

PATH = "retention/telco/telco-r7-0a1b2c3d4e5f"
FILES = {"model.json": b"[1, 2]", "plots/summary.png": b"x" * 1000, "manifest.json": b"{}"}
LATER = datetime.now(UTC) + timedelta(days=2)

CALL = f"""
import os, sys
from churnguard_storage import open_store, read_credentials

def stop_at(event, arguments):
    if event == os.environ.get("STOP_AT") and ".tmp-" in str(arguments):
        print("there", flush=True)
        sys.stdin.read()

sys.addaudithook(stop_at)
store = open_store(sys.argv[1], credentials=read_credentials(role="store", environ=os.environ))
store.put({PATH!r}, {FILES!r}) if sys.argv[2] == "put" else store.delete({PATH!r})
"""


def start(uri: str, call: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CALL, uri, call],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()
    assert process.returncode == -9


def assert_nothing_but_leftovers(store: BundleStore, files: list[Path]) -> None:
    """Something was written, it is no bundle, it is swept, and it is in nobody's way."""
    assert files
    assert store.list("") == ()
    assert len(store.sweep("retention/telco", before=LATER)) == 1
    assert not [path for path in files if path.exists()]
    store.put(PATH, FILES)
    assert store.get(PATH) == FILES


@pytest.mark.parametrize(("call", "event"), [("put", "os.rename"), ("delete", "shutil.rmtree")])
def test_a_folder_shows_no_half_bundle(tmp_path: Path, call: str, event: str) -> None:
    store = open_store(tmp_path.as_uri(), credentials=Credentials())
    if call == "delete":
        store.put(PATH, FILES)
    process = start(store.uri, call, STOP_AT=event)
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    kill(process)
    assert_nothing_but_leftovers(store, [path for path in tmp_path.rglob("*") if path.is_file()])


@pytest.mark.servers
@pytest.mark.parametrize(("call", "sign", "nth"), [("put", b"manifest.json", 2), ("delete", b"?delete", 2)])
def test_a_bucket_shows_no_half_bundle(s3: Any, proxy: Any, call: str, sign: bytes, nth: int) -> None:
    bucket = s3.bucket(f"killed-{call}")
    uri = f"s3://{bucket.name}"
    store = open_store(uri, credentials=s3.credentials())
    if call == "delete":
        store.put(PATH, FILES)
    seen: list[bytes] = []

    def hang_at_the_last_request(data: bytes) -> str | None:
        line = data.partition(b"\r\n")[0]
        if line.startswith((b"PUT", b"POST")) and sign in line:
            seen.append(line)
        return "hang" if len(seen) == (1 if call == "put" else nth) else None

    proxy.decide = hang_at_the_last_request
    process = start(
        uri,
        call,
        CHURNGUARD_STORE_ENDPOINT=f"http://127.0.0.1:{proxy.port}",
        CHURNGUARD_STORE_ACCESS_KEY=s3.credentials().access_key,
        CHURNGUARD_STORE_SECRET_KEY=s3.credentials().secret_key,
    )
    assert proxy.hanging.wait(60)
    kill(process)
    assert_nothing_but_leftovers(store, [path for path in bucket.rglob("*") if path.is_file()])
