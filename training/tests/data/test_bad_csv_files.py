"""Each broken CSV file is refused in one screen that names file, row or column, and what to do."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pytest

from churnguard_training.errors import Refused
from churnguard_training.sources.csv import read_csv
from churnguard_training.sources.files import LIMITS

HEADER = b"id,tenure,left\n"
GOOD = HEADER + b"1,2,Yes\n"
LONG = HEADER + b"1,2,Yes\n" * 300_000
"""Longer than the sample that the header is read from, and than a block of the parser when limits are small."""

BAD_FILES = {
    "empty": (b"", ["the file is empty", "hint: the first line must name the columns"]),
    "only blank lines": (b"\n \n\n", ["the file is empty"]),
    "header only": (HEADER, ["has a header and no rows"]),
    "duplicate header": (
        b"a,b,a\n1,2,3\n",
        ["columns 1 and 3 with the same name, 'a'", "one short name of its own"],
    ),
    "empty header names": (b"a,,c,\n1,2,3,4\n", ["columns 2 and 4 without a name"]),
    "long header name": (
        b"a," + b"x" * 200 + b"\n1,2\n",
        ["column 2 with a name of 200 characters, more than 128"],
    ),
    "ragged rows": (
        GOOD + b"3,4\n5,6,No\n7,8,No,9\n",
        [
            "customers.csv: row 3 has 2 cells, the header 3",
            "customers.csv: row 5 has 4 cells",
            "hint: quote cells",
        ],
    ),
    "open quote": (
        GOOD + b'3,"4,No\n5,6,No\n',
        ["row 3 has 2 cells", "a quote that is opened and never closed"],
    ),
    "open quote in the header": (
        b'a,"b\n1,2\n',
        ["column 2 with a line break or control character in the name"],
    ),
    "ambiguous delimiter": (
        b"a;b,c\n1;2,3\n",
        ["may be parted by comma and semicolon", "hint: part them by commas"],
    ),
    "foreign delimiter": (b"a:b:c\n1:2:3\n", ["seems to be parted by ':'", "one of: comma, semicolon, tab"]),
    "UTF-16": (GOOD.decode().encode("utf-16"), ["is UTF-16 text", "hint: save it as UTF-8"]),
    "UTF-16 without a mark": (GOOD.decode().encode("utf-16-le"), ["NUL byte in line 1", "save it as UTF-8"]),
    "Latin-1": (
        GOOD + b"3,\xe9,No\n",
        ["is not UTF-8 text: bad byte in line 3 (byte 25 of the text)", "as UTF-8"],
    ),
    "Latin-1 header": (b"a,\xe9\n1,2\n", ["bad byte in line 1 (byte 2 of the text)"]),
    "Latin-1 far below": (LONG + b"3,\xe9,No\n", ["bad byte in line 300,002 (byte 2,400,017 of the text)"]),
    "cut in a character": (GOOD + b"3,4,\xc3", ["bad byte in line 3"]),
    "NUL byte": (GOOD + b"3,\0,No\n", ["NUL byte in line 3 (byte 25 of the text)"]),
    "NUL byte far below": (LONG + b"3,\0,No\n", ["NUL byte in line 300,002"]),
    "10,000 columns": (
        b",".join(b"c%d" % column for column in range(10_000)) + b"\n",
        ["10,000 columns, more than the 2,000 that are read"],
    ),
    "1 MB cell": (
        GOOD + b"3," + b"x" * (1 << 20) + b",No\n",
        ["row 3, column tenure: a cell of 1,048,576 bytes, more than the 65,536 that are read"],
    ),
    "1 MB name": (b"a," + b"x" * (1 << 18) + b"\n1,2\n", ["the first rows are no CSV"]),
    "endless header": (b"a," * (1 << 20), ["the header is longer than 1,048,576 bytes"]),
    "truncated gzip": (gzip.compress(LONG)[:-50], ["the gzip file ends too early", "write or copy it again"]),
    "damaged gzip": (gzip.compress(LONG)[:-8] + b"\xff" * 8, ["the gzip file is damaged"]),
    "spreadsheet": (b"PK\x03\x04 and more", ["is a zip archive or a spreadsheet", "hint: export it as CSV"]),
    "Parquet named CSV": (b"PAR1 and more", ["is a Parquet file", "let its name end in .parquet"]),
    "zstd": (b"\x28\xb5\x2f\xfd and more", ["is compressed, but not with gzip"]),
}


@pytest.mark.parametrize(("content", "expected"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_broken_file_is_refused_with_place_and_remedy(
    csv_of: Callable[..., pa.Table], content: bytes, expected: list[str]
) -> None:
    with pytest.raises(Refused) as caught:
        csv_of(content)
    assert caught.value.reason == "MalformedData"
    assert all(problem.startswith("customers.csv: ") for problem in caught.value.problems)
    for text in expected:
        assert text in caught.value.message
    assert "hint: " in caught.value.message
    assert max(map(len, caught.value.message.splitlines())) < 200


def test_of_many_ragged_rows_the_first_are_named_and_all_are_counted(csv_of: Callable[..., pa.Table]) -> None:
    with pytest.raises(Refused) as caught:
        csv_of(HEADER + b"1,2\n" * 500)
    assert len(caught.value.problems) == 11
    assert caught.value.problems[-1] == "customers.csv: and 490 more such rows or cells"


@pytest.mark.parametrize(
    ("limits", "content", "expected"),
    [
        (
            replace(LIMITS, content_bytes=1 << 20),
            gzip.compress(LONG),
            "holds more than 1,048,576 bytes of text",
        ),
        (replace(LIMITS, rows=1_000, row_bytes=1 << 10), LONG, "more than 1,000 rows, the most that is read"),
        (replace(LIMITS, cells=600, row_bytes=1 << 10), LONG, "more than the 600 cells that are read"),
        (
            replace(LIMITS, row_bytes=1 << 10),
            GOOD + b'3,"' + b"4,No\n" * 1_000,
            "a row is longer than 1,024 bytes",
        ),
    ],
    ids=["decompression bomb", "rows", "cells", "row"],
)
def test_reading_stops_at_the_limits(
    csv_of: Callable[..., pa.Table], limits: Any, content: bytes, expected: str
) -> None:
    with pytest.raises(Refused) as caught:
        csv_of(content, limits=limits)
    assert expected in caught.value.message


def refuse_permission(path: Path) -> BinaryIO:
    raise PermissionError(13, "Permission denied", str(path))


def fail_to_read(path: Path) -> BinaryIO:
    raise OSError(5, "Input/output error", str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        read_csv(tmp_path / "absent.csv", name="pvc://claim/absent.csv")
    assert caught.value.reason == "SourceUnreadable"
    assert caught.value.problems == ("pvc://claim/absent.csv: there is no such file",)
    assert str(tmp_path) not in caught.value.message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        read_csv(tmp_path, name="pvc://claim/data")
    assert caught.value.problems == ("pvc://claim/data: is a folder, not a file",)


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        # Injected: a test that runs as root may read everything.
        (refuse_permission, "no permission to read it"),
        (fail_to_read, "cannot be opened: Input/output error"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, opened: Any, expected: str) -> None:
    with pytest.raises(Refused) as caught:
        read_csv(tmp_path / "x.csv", name="pvc://claim/x.csv", opened=opened)
    assert caught.value.reason == "SourceUnreadable"
    assert expected in caught.value.message
    assert str(tmp_path) not in caught.value.message


class FailingDisk(io.BytesIO):
    """A file whose later blocks cannot be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 1 << 20:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_disk_that_fails_while_reading_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        read_csv(tmp_path / "x.csv", name="pvc://claim/x.csv", opened=lambda _: FailingDisk(LONG))
    assert caught.value.reason == "SourceUnreadable"
    assert caught.value.problems == ("pvc://claim/x.csv: reading failed: Input/output error",)
