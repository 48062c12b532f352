"""From a file's address to a file that can be opened."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from churnguard_storage.errors import StorageError
from churnguard_storage.locations import FolderLocation, ObjectLocation, check_inside_claim, parse_location
from churnguard_storage.s3 import Bucket, open_bucket
from churnguard_storage.secrets import Credentials


def fetch(
    uri: str, *, credentials: Credentials, folder: Path, environ: Mapping[str, str] = os.environ
) -> Path:
    """The local path of a data file.

    Files of this machine and of mounted claims are used where they are; an object of S3 is downloaded into
    ``folder`` (which exists) under the last part of its key.

    Raises:
        StorageError: The message says what lacks, and holds no secret.
    """
    location = parse_location(uri, environ=environ)
    if isinstance(location, FolderLocation):
        return _local(location)
    return _download(location, credentials=credentials, folder=folder, environ=environ)


def _local(location: FolderLocation) -> Path:
    check_inside_claim(location)
    try:
        # Opening a pipe would wait for its writer.
        if location.path.exists() and not location.path.is_file():
            raise StorageError([f"{location.uri} is not a file"])
        with location.path.open("rb"):
            return location.path
    except FileNotFoundError:
        problem = f"there is no file {location.uri}"
    except PermissionError:
        problem = f"no permission to read {location.uri}"
    except OSError as error:
        problem = f"{location.uri} cannot be read: {error.strerror}"
    raise StorageError([problem], hint="put a readable file there, or mend spec.data.source.file.uri")


def _download(
    location: ObjectLocation, *, credentials: Credentials, folder: Path, environ: Mapping[str, str]
) -> Path:
    if not location.key or location.uri.endswith("/"):
        raise StorageError([f"{location.uri} names no object; expected s3://bucket/key"])
    bucket = open_bucket(location.bucket, credentials=credentials, environ=environ)
    # The end of the name says what the file is; a key may be longer than a file's name.
    target = folder / location.key.rpartition("/")[2][-100:]
    partial = target.with_name(f"{target.name}.part")
    try:
        with bucket.errors(location.key):
            _stream(bucket, key=location.key, path=partial)
        partial.replace(target)
    except OSError as error:
        problem = f"{location.uri} cannot be kept on the disk of this run: {error.strerror}"
        raise StorageError([problem]) from None
    finally:
        partial.unlink(missing_ok=True)
    return target


def _stream(bucket: Bucket, *, key: str, path: Path) -> None:
    with path.open("wb") as file:
        for chunk in bucket.read(key, room=shutil.disk_usage(path.parent).free):
            file.write(chunk)
