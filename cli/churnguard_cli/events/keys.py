"""The write key of a local run."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

WRITE_KEY: Final = "wk_demo"
_SECRET_BYTES: Final = 32


def ensure_keys(file: Path) -> None:
    """Write the collector's file of keys, readable by its owner only; one that is there is left as it is.

    Its secret makes subjects of people's ids: with another one, everybody would be somebody else.
    """
    if file.exists():
        return
    aside = file.with_suffix(".new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(_content(secrets.token_bytes(_SECRET_BYTES)))
    aside.replace(file)


def _content(secret: bytes) -> bytes:
    subject_key = {"version": 1, "secret": base64.b64encode(secret).decode()}
    key = {
        "id": "demo",
        "kind": "server",
        "workspace": "demo",
        "sha256": hashlib.sha256(WRITE_KEY.encode()).hexdigest(),
    }
    document = {"workspaces": {"demo": {"subjectKey": subject_key}}, "keys": [key]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2)
