"""Files and bundles outside this process, in folders, mounted claims and S3, and the secrets that open them."""

from __future__ import annotations

from churnguard_storage.errors import StorageError
from churnguard_storage.fetching import fetch
from churnguard_storage.opening import open_store, read_bundle
from churnguard_storage.secrets import Credentials, read_credentials
from churnguard_storage.store import MANIFEST, BundleStore

__all__ = [
    "MANIFEST",
    "BundleStore",
    "Credentials",
    "StorageError",
    "fetch",
    "open_store",
    "read_bundle",
    "read_credentials",
]
