"""Bodies that were compressed, with a cap that holds while they are unpacked. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final, Protocol

from backports import zstd

from churnguard_collector.bodies import BadBody

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class Decompressor(Protocol):
    """Unpacks a whole body."""

    def __call__(self, body: bytes, *, most: int) -> bytes:
        """The content; BadBody when it is longer than ``most`` bytes, damaged, or not complete."""


def decompressor_of(encoding: bytes) -> Decompressor:
    """What unpacks bodies of this encoding, in lower case; BadBody when nothing here does."""
    try:
        return _BY_ENCODING[encoding]
    except KeyError:
        raise BadBody("bodies are read plain, or compressed as gzip or zstd", status=415) from None


def _gunzip(body: bytes, *, most: int) -> bytes:
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        # One more than allowed tells that there is more, and nothing beyond it is unpacked.
        content = unpacking.decompress(body, most + 1)
    except zlib.error:
        raise BadBody("the body is no gzip") from None
    return _whole(content, most=most, ended=unpacking.eof, rest=unpacking.unused_data)


def _unzstd(body: bytes, *, most: int) -> bytes:
    unpacking = zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)
    try:
        content = unpacking.decompress(body, most + 1)
    except zstd.ZstdError:
        raise BadBody("the body is no zstd") from None
    return _whole(content, most=most, ended=unpacking.eof, rest=unpacking.unused_data)


def _whole(content: bytes, *, most: int, ended: bool, rest: bytes) -> bytes:
    if len(content) > most:
        raise BadBody(f"the body unpacks to more than {most} bytes; send fewer events at a time", status=413)
    if not ended:
        raise BadBody("the compressed body is not complete")
    # Both formats allow another part to follow. Nobody sends that; thousands of empty ones cost a second of work.
    if rest:
        raise BadBody("something follows the compressed body")
    return content


# A frame may ask for a window of gigabytes: this is what the largest allowed body can use.
_ZSTD_OPTIONS: Final[Mapping[int, int]] = {zstd.DecompressionParameter.window_log_max: 22}
_BY_ENCODING: Final[dict[bytes, Decompressor]] = {b"gzip": _gunzip, b"x-gzip": _gunzip, b"zstd": _unzstd}
