"""From a store's address to the store."""

from __future__ import annotations

import os
from collections.abc import Mapping

from churnguard_storage.errors import StorageError
from churnguard_storage.folder_store import FolderStore
from churnguard_storage.locations import FolderLocation, check_inside_claim, parse_location
from churnguard_storage.s3 import open_bucket
from churnguard_storage.s3_store import S3Store
from churnguard_storage.secrets import Credentials
from churnguard_storage.store import BundleStore


def open_store(uri: str, *, credentials: Credentials, environ: Mapping[str, str] = os.environ) -> BundleStore:
    """Open the store whose root is at ``file:///path``, ``pvc://claim/path`` or ``s3://bucket/prefix``.

    Nothing is created and nothing is sent yet, so a wrong key shows at the first use.

    Raises:
        StorageError: The address is none, or its claim is not mounted.
    """
    location = parse_location(uri, environ=environ)
    if isinstance(location, FolderLocation):
        check_inside_claim(location)
        return FolderStore(uri=location.uri, root=location.path)
    bucket = open_bucket(location.bucket, credentials=credentials, environ=environ)
    return S3Store(uri=location.uri, bucket=bucket, prefix=location.key)


def read_bundle(
    uri: str, *, credentials: Credentials, environ: Mapping[str, str] = os.environ
) -> dict[str, bytes]:
    """All files of the bundle at a URI, whatever store it is in.

    Raises:
        StorageError: There is no bundle, or its store cannot be read.
    """
    root, _, name = uri.rstrip("/").rpartition("/")
    if not name or root.endswith("/"):
        raise StorageError([f"{uri!r} names no bundle of a store"])
    return open_store(root, credentials=credentials, environ=environ).get(f"{root}/{name}")
