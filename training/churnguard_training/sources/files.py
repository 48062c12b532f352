"""Opening data files, and their bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from churnguard_training.checks.findings import listed
from churnguard_training.errors import Refused

GIB: Final = 1 << 30
KIB: Final = 1 << 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a table may at most be; beyond it, reading stops with a refusal instead of filling the memory.

    ``cells`` (rows times columns) is what memory follows: about 8 bytes each when typed.
    """

    content_bytes: int = 8 * GIB  # of the decompressed content; a gzip bomb ends here
    rows: int = 10_000_000
    columns: int = 2_000
    cells: int = 200_000_000
    cell_bytes: int = 64 * KIB
    name_length: int = 128  # as in the ChurnModel, which must be able to name every column
    row_bytes: int = 4 << 20


LIMITS: Final = Limits()

Open: TypeAlias = Callable[[Path], BinaryIO]


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading."""
    return path.open("rb")


def open_data(path: Path, *, name: str, opened: Open) -> BinaryIO:
    """Open a data file.

    Args:
        path: The local file.
        name: How messages call it: its address in the ChurnModel.
        opened: Opens it.

    Raises:
        Refused: SourceUnreadable, saying why.
    """
    try:
        return opened(path)
    except FileNotFoundError:
        problem, hint = (
            f"{name}: there is no such file",
            "check the address, and that the claim is the right one",
        )
    except IsADirectoryError:
        problem, hint = f"{name}: is a folder, not a file", "name one CSV or Parquet file in it"
    except PermissionError:
        problem, hint = f"{name}: no permission to read it", "let the user of the training pod read the file"
    except OSError as error:
        problem, hint = (
            f"{name}: cannot be opened: {error.strerror or type(error).__name__}",
            "check the volume",
        )
    raise Refused(reason="SourceUnreadable", problems=[problem], hint=hint)


def malformed(name: str, *problems: str, hint: str = "") -> Refused:
    """A refusal of a file that is no table."""
    return Refused(reason="MalformedData", problems=[f"{name}: {problem}" for problem in problems], hint=hint)


def check_size(name: str, *, rows: int, columns: int, limits: Limits) -> None:
    """Raise Refused when a table has too many rows, columns or cells."""
    problems = []
    if rows > limits.rows:
        problems.append(f"more than {limits.rows:,} rows, the most that is read")
    if columns > limits.columns:
        problems.append(f"{columns:,} columns, more than the {limits.columns:,} that are read")
    if not problems and rows * columns > limits.cells:
        problems.append(
            f"{rows:,} rows of {columns:,} columns, more than the {limits.cells:,} cells that are read"
        )
    if problems:
        raise malformed(name, *problems, hint="train on a sample of the rows, and on the columns that matter")


def check_names(name: str, columns: list[str], *, limits: Limits) -> None:
    """Raise Refused when column names are empty, too long or repeated; every problem at once."""
    positions: dict[str, list[int]] = {}
    for position, column in enumerate(columns, start=1):
        positions.setdefault(column, []).append(position)
    problems = [
        f"{'columns' if len(found) > 1 else 'column'} {listed([str(position) for position in found])} {problem}"
        for column, found in positions.items()
        if (problem := _name_problem(column, repeated=len(found) > 1, longest=limits.name_length))
    ]
    if problems:
        raise malformed(name, *problems, hint="give every column one short name of its own")


def _name_problem(column: str, *, repeated: bool, longest: int) -> str:
    if not column.strip():
        return "without a name"
    if len(column) > longest:
        return f"with a name of {len(column):,} characters, more than {longest}"
    if not column.isprintable():
        return (
            "with a line break or control character in the name; a quote may be opened there and never closed"
        )
    return f"with the same name, {column!r}" if repeated else ""
