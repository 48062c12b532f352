"""The bytes of a text file, decompressed, bounded and proven to be UTF-8 before a parser sees them."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from typing import BinaryIO, Final

from churnguard_training.errors import Refused
from churnguard_training.sources.files import Limits, malformed

_GZIP: Final = b"\x1f\x8b"
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN: Final = (
    ((b"\xff\xfe", b"\xfe\xff"), "is UTF-16 text", "save it as UTF-8"),
    ((b"PK\x03\x04",), "is a zip archive or a spreadsheet", "export it as CSV"),
    ((b"PAR1",), "is a Parquet file", "let its name end in .parquet"),
    (
        (b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ"),
        "is compressed, but not with gzip",
        "use gzip, or no compression",
    ),
)
_MAGIC_BYTES: Final = 6


def open_text(file: BinaryIO, *, name: str, limits: Limits) -> TextStream:
    """The text of a file, gzip or plain as its first bytes say, without byte order mark.

    Raises:
        Refused: MalformedData, when the first bytes are those of another format.
    """
    magic = file.read(_MAGIC_BYTES)
    file.seek(0)
    for signatures, problem, hint in _FOREIGN:
        if magic.startswith(signatures):
            raise malformed(name, problem, hint=hint)
    content = gzip.GzipFile(fileobj=file) if magic.startswith(_GZIP) else file
    return TextStream(content, name=name, limits=limits)


class TextStream(io.RawIOBase):
    """A readable stream that raises Refused at the first byte that is not text, with its line and offset.

    Blocks can be put back, which lets the header be read apart.
    """

    def __init__(self, content: BinaryIO | gzip.GzipFile, *, name: str, limits: Limits) -> None:
        super().__init__()
        self._content = content
        self._name = name
        self._limits = limits
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._bytes = 0
        self._lines = 0
        self._pushed_back = b""

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; none at the end."""
        if self._pushed_back:
            size = len(self._pushed_back) if size < 0 else size
            block, self._pushed_back = self._pushed_back[:size], self._pushed_back[size:]
            return block
        return self._next(size)

    def push_back(self, block: bytes) -> None:
        """Let ``block`` be read again."""
        self._pushed_back = block + self._pushed_back

    def _next(self, size: int) -> bytes:
        block = self._raw(size)
        first = self._bytes == 0
        self._check(block)
        self._bytes += len(block)
        self._lines += block.count(b"\n")
        if self._bytes > self._limits.content_bytes:
            raise malformed(
                self._name,
                f"holds more than {self._limits.content_bytes:,} bytes of text, the most that is read",
                hint="train on a sample of the rows",
            )
        return block.removeprefix(_UTF8_BOM) if first else block

    def _raw(self, size: int) -> bytes:
        try:
            return self._content.read(size)
        except EOFError:
            problem, hint = "the gzip file ends too early", "it was cut off; write or copy it again"
        except (gzip.BadGzipFile, zlib.error):
            problem, hint = "the gzip file is damaged", "write or copy it again"
        except OSError as error:
            raise Refused(
                reason="SourceUnreadable",
                problems=[f"{self._name}: reading failed: {error.strerror or error}"],
            ) from None
        raise malformed(self._name, problem, hint=hint)

    def _check(self, block: bytes) -> None:
        if (nul := block.find(b"\0")) >= 0:
            where = self._where(block, nul)
            raise malformed(
                self._name, f"NUL byte in {where}", hint="it is no CSV text, or UTF-16; save it as UTF-8"
            )
        pending = len(self._decoder.getstate()[0])
        if not pending and block.isascii() and block:
            return
        try:
            self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            where = self._where(block, max(0, error.start - pending))
            raise malformed(
                self._name,
                f"is not UTF-8 text: bad byte in {where}",
                hint="save it as UTF-8 (it may be Latin-1)",
            ) from None

    def _where(self, block: bytes, position: int) -> str:
        line = self._lines + block.count(b"\n", 0, position) + 1
        return f"line {line:,} (byte {self._bytes + position:,} of the text)"
