"""Write keys of the tests, and the file that names them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

BROWSER, SERVER, LIMITED, STRICT = "wk_browser", "sk_server", "sk_limited", "sk_strict"
SHOP = "https://shop.example"
SECRET = b"0123456789abcdef" * 2


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def key_file(**more: Any) -> dict[str, Any]:
    """Two workspaces and their keys; ``more`` replaces whole parts of it."""
    secret = {"version": 1, "secret": base64.b64encode(SECRET).decode()}
    privacy = {"ip": "truncate", "consent": "Analytics", "doNotTrack": True}
    return {
        "workspaces": {
            "demo": {"subjectKey": secret},
            "strict": {"subjectKey": secret, "privacy": privacy},
        },
        "keys": [
            {
                "id": "browser",
                "sha256": hashed(BROWSER),
                "kind": "browser",
                "workspace": "demo",
                "origins": [SHOP],
            },
            {"id": "server", "sha256": hashed(SERVER), "kind": "server", "workspace": "demo"},
            {
                "id": "limited",
                "sha256": hashed(LIMITED),
                "kind": "server",
                "workspace": "demo",
                "eventsPerSecond": 0.001,
                "burst": 500,
            },
            {"id": "strict", "sha256": hashed(STRICT), "kind": "server", "workspace": "strict"},
        ],
        **more,
    }
