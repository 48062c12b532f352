"""The S3 client: bounded retries, and errors in words for people."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError, PreconditionError
from obstore.store import S3Store

from churnguard_storage.errors import StorageError
from churnguard_storage.secrets import Credentials

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ClientConfig, RetryConfig, S3Config

_CLIENT: Final[ClientConfig] = {
    "allow_http": True,  # endpoints inside a cluster often have no certificate
    "connect_timeout": "5s",
    "read_timeout": "60s",
    # Counts the whole body; the library's 30 s would cut every large file.
    "timeout": "1h",
}
_RETRY: Final[RetryConfig] = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=5), "base": 2},
}

MAX_BREAKS: Final = 4
CHUNK_BYTES: Final = 1024 * 1024

_IDENTITIES: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)

_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_STATUS = re.compile(r"non-2xx status code: (\d{3})")
# XAdminUserNotFound is versitygw's word for an unknown access key; its status is 404, as if a file lacked.
_BAD_KEY_CODES: Final = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound", "InvalidToken", "ExpiredToken"}
)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bucket, opened."""

    client: S3Store
    name: str
    endpoint: str

    def read(self, key: str, *, room: int) -> Iterator[bytes]:
        """The content of an object, in chunks; a connection that breaks is taken up where it broke.

        Args:
            key: Which object.
            room: How many bytes may come; a larger object is refused before any does.
        """
        answer = self.client.get(key)
        size, tag = answer.meta["size"], answer.meta["e_tag"]
        if size > room:
            problem = f"s3://{self.name}/{key} has {size} bytes; there is room for {room}"
            raise StorageError([problem])
        position = breaks = 0
        while True:
            try:
                for chunk in answer.stream(min_chunk_size=CHUNK_BYTES):
                    position += len(chunk)
                    yield bytes(chunk)
                return
            # The library retries requests, but not the rest of a body.
            except BaseError:
                if breaks == MAX_BREAKS:
                    raise self._broken(key) from None
            time.sleep(0.1 * 2**breaks)
            breaks += 1
            rest: GetOptions = {"range": {"offset": position}}
            if tag is not None:
                rest["if_match"] = tag
            answer = self.client.get(key, options=rest)

    def _broken(self, key: str) -> StorageError:
        return StorageError(
            [
                f"the connection to {self.endpoint} broke {MAX_BREAKS + 1} times while "
                f"s3://{self.name}/{key} was read"
            ]
        )

    @contextmanager
    def errors(self, key: str) -> Iterator[None]:
        """Turn failures of the enclosed calls on a key into ``StorageError``."""
        try:
            yield
        except PreconditionError:
            raise StorageError([f"s3://{self.name}/{key} was changed while it was read"]) from None
        except (BaseError, FileNotFoundError) as error:
            raise self._failure(error, key=key) from None
        except ValueError:  # the library's answer to a key that no object can have
            raise StorageError([f"{key!r} is no name of an object"]) from None

    def _failure(self, error: Exception, *, key: str) -> StorageError:
        """What went wrong, without the library's dump of requests and signatures."""
        problem, hint = _explain(
            str(error),
            missing=isinstance(error, FileNotFoundError),
            bucket=self,
            uri=f"s3://{self.name}/{key}",
        )
        return StorageError([problem], hint=hint)


def open_bucket(name: str, *, credentials: Credentials, environ: Mapping[str, str]) -> Bucket:
    """Prepare a bucket; nothing is sent yet.

    Without an access key, the identity that a pod's environment offers is used (static keys, web identity,
    container credentials); without that too, requests are anonymous. ``AWS_REGION`` names the region.

    Raises:
        StorageError: The endpoint or the access key is malformed.
    """
    # The library panics on both instead of raising.
    if credentials.endpoint is not None:
        _check_endpoint(credentials.endpoint)
    if credentials.access_key is not None and not re.fullmatch(r"[!-~]+", credentials.access_key):
        raise StorageError(["the access key holds characters that no access key has"])
    config: S3Config = {
        "region": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        **_identity(credentials, environ=environ),
    }
    if credentials.endpoint:
        config["endpoint"] = credentials.endpoint
    client = S3Store(name, config=config, client_options=_CLIENT, retry_config=_RETRY)
    return Bucket(client=client, name=name, endpoint=credentials.endpoint or "Amazon S3")


def _identity(credentials: Credentials, *, environ: Mapping[str, str]) -> S3Config:
    if credentials.access_key and credentials.secret_key:
        return {"access_key_id": credentials.access_key, "secret_access_key": credentials.secret_key}
    if any(environ.get(name) for name in _IDENTITIES):
        return {}
    # Else the library asks the machine's metadata service, which is no identity of ours, for minutes.
    return {"skip_signature": True}


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        good = (
            parts.scheme in ("http", "https")
            and re.fullmatch(r"[A-Za-z0-9._:-]+", parts.hostname or "") is not None
            and parts.username is None
            and parts.port != 0
            and re.fullmatch(r"[A-Za-z0-9._~/-]*", parts.path) is not None
            and not (parts.query or parts.fragment)
        )
    except ValueError:
        good = False
    if not good:
        raise StorageError(["the endpoint of the secret is no address such as https://s3.example.com:9000"])


def _explain(text: str, *, missing: bool, bucket: Bucket, uri: str) -> tuple[str, str]:
    code_match, status_match = _CODE.search(text), _STATUS.search(text)
    code = code_match[1] if code_match else ""
    status = status_match[1] if status_match else ""
    if code in _BAD_KEY_CODES:
        return f"the access key was refused by {uri} at {bucket.endpoint} ({code})", (
            "check accessKey and secretKey of the secret"
        )
    if code == "NoSuchBucket":
        return f"there is no bucket {bucket.name!r} at {bucket.endpoint}, asked for {uri}", ""
    if missing:
        return f"there is no object {uri} (the bucket {bucket.name!r} is at {bucket.endpoint})", ""
    if status in ("401", "403"):
        return f"access to {uri} was denied at {bucket.endpoint} ({code or status})", (
            "give the access key the right to list, read and (for a store) write and delete there"
        )
    if status:
        return f"{uri} cannot be used: {bucket.endpoint} answered {status} {code}".rstrip(), ""
    if "redirect" in text:
        return f"the bucket {bucket.name!r} is in another region", "set AWS_REGION"
    return f"the endpoint {bucket.endpoint} is not reachable, asked for {uri}", (
        "check the key endpoint of the secret, and that network policies let this pod reach it"
    )
