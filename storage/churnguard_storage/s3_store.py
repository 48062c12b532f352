"""Bundles in a bucket of S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from posixpath import basename, dirname
from typing import TYPE_CHECKING

from obstore.exceptions import AlreadyExistsError

from churnguard_core.names import BUNDLE_NAME
from churnguard_storage.s3 import Bucket
from churnguard_storage.store import (
    MANIFEST,
    MAX_BUNDLE_BYTES,
    SizeBudget,
    already_taken,
    check_files,
    check_path,
    check_prefix,
    no_bundle,
    path_in_store,
)

if TYPE_CHECKING:
    from obstore import ObjectMeta


class S3Store:
    """See :class:`~churnguard_storage.store.BundleStore`; its manifest is put last."""

    def __init__(self, *, uri: str, bucket: Bucket, prefix: str) -> None:
        self._uri = uri.rstrip("/")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    @property
    def uri(self) -> str:
        """The store's root."""
        return self._uri

    def put(self, path: str, files: Mapping[str, bytes]) -> str:
        """Put the files, then the manifest under the condition that there is none."""
        check_files(files)
        uri, folder = f"{self._uri}/{check_path(path)}", f"{self._prefix}{path}"
        manifest_key = f"{folder}/{MANIFEST}"
        with self._bucket.errors(manifest_key):
            present = self._manifest(manifest_key)
            if present is None:
                self._put_files(folder, files)
                present = self._put_manifest(manifest_key, files[MANIFEST])
        if present != files[MANIFEST]:
            raise already_taken(uri)
        return uri

    def get(self, path: str) -> dict[str, bytes]:
        """Download all objects below the bundle's key."""
        path = path_in_store(self._uri, path)
        uri, folder = f"{self._uri}/{path}", f"{self._prefix}{path}"
        budget = SizeBudget(uri)
        with self._bucket.errors(folder):
            found = self._objects(folder)
            for meta in found:
                budget.spend(meta["size"])
            if not any(meta["path"] == f"{folder}/{MANIFEST}" for meta in found):
                raise no_bundle(uri)
            return {
                meta["path"].removeprefix(f"{folder}/"): b"".join(
                    self._bucket.read(meta["path"], room=MAX_BUNDLE_BYTES)
                )
                for meta in found
            }

    def list(self, prefix: str) -> tuple[str, ...]:
        """Keys with a manifest."""
        folder = f"{self._prefix}{check_prefix(prefix)}".rstrip("/")
        with self._bucket.errors(folder):
            found = self._objects(folder)
        manifests = (meta["path"] for meta in found if basename(meta["path"]) == MANIFEST)
        paths = (dirname(key).removeprefix(self._prefix) for key in manifests)
        return tuple(sorted(path for path in paths if path))

    def delete(self, path: str) -> None:
        """Delete the manifest, then the rest."""
        folder = f"{self._prefix}{check_path(path)}"
        with self._bucket.errors(folder):
            found = [meta["path"] for meta in self._objects(folder)]
            self._delete([key for key in found if key == f"{folder}/{MANIFEST}"])
            self._delete([key for key in found if key != f"{folder}/{MANIFEST}"])

    def sweep(self, prefix: str, *, before: datetime) -> tuple[str, ...]:
        """Delete the objects of folders named as bundles that have no manifest and are old."""
        folder = f"{self._prefix}{check_prefix(prefix)}".rstrip("/")
        groups: dict[str, list[ObjectMeta]] = {}
        swept = []
        with self._bucket.errors(folder):
            for meta in self._objects(folder):
                name, inner, _ = meta["path"].removeprefix(f"{folder}/").partition("/")
                if inner and BUNDLE_NAME.fullmatch(name):
                    groups.setdefault(f"{folder}/{name}", []).append(meta)
            for key, found in groups.items():
                complete = any(basename(meta["path"]) == MANIFEST for meta in found)
                if not complete and all(meta["last_modified"] < before for meta in found):
                    self._delete([meta["path"] for meta in found])
                    swept.append(key.removeprefix(self._prefix))
        return tuple(sorted(swept))

    def _manifest(self, key: str) -> bytes | None:
        # Listed, not fetched: a wrong key or bucket can answer 404 too and must not pass for absence.
        if all(meta["path"] != key for meta in self._objects(dirname(key))):
            return None
        return b"".join(self._bucket.read(key, room=MAX_BUNDLE_BYTES))

    def _put_files(self, folder: str, files: Mapping[str, bytes]) -> None:
        keys = {f"{folder}/{name}": content for name, content in files.items() if name != MANIFEST}
        # What a killed writer left there and this bundle does not have would become a part of it. A manifest is
        # no such thing: it is another writer's, who has finished since this one looked.
        kept = {*keys, f"{folder}/{MANIFEST}"}
        self._delete([meta["path"] for meta in self._objects(folder) if meta["path"] not in kept])
        for key, content in keys.items():
            # A killed multipart upload would leave hidden parts that cost money.
            self._bucket.client.put(key, content, use_multipart=False)

    def _put_manifest(self, key: str, content: bytes) -> bytes:
        """Put it if there is none; returns the manifest that is there now."""
        try:
            self._bucket.client.put(key, content, mode="create")
        except AlreadyExistsError:
            # Another writer was faster, or a retry met the success of its first attempt.
            return b"".join(self._bucket.read(key, room=MAX_BUNDLE_BYTES))
        return content

    def _objects(self, folder: str) -> Sequence[ObjectMeta]:
        # The library reads the prefix by segments: "a/b" lists "a/b/c", not "a/b-c".
        return [meta for page in self._bucket.client.list(folder or None, chunk_size=1000) for meta in page]

    def _delete(self, keys: Sequence[str]) -> None:
        if keys:
            self._bucket.client.delete(keys)
