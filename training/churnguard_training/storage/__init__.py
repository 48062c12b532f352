"""Files and bundles outside this process: folders, mounted claims and S3."""

from __future__ import annotations

from churnguard_training.storage.fetching import fetch
from churnguard_training.storage.opening import open_store, read_bundle
from churnguard_training.storage.store import MANIFEST, BundleStore

__all__ = ["MANIFEST", "BundleStore", "fetch", "open_store", "read_bundle"]
