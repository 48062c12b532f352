"""What is wrong with a ChurnModel, in words: every problem at once, each with the path of its field."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

SHOWN_PROBLEMS: Final = 50
SHOWN_TEXT: Final = 60

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. ``path`` is such as ``spec.gates[1].min``; empty for the whole object."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidChurnModel(ValueError):  # noqa: N818 - names the fact, as the condition's reason InvalidSpec does
    """The object is no valid ChurnModel; ``problems`` holds all that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        shown = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if hidden := len(self.problems) - len(shown):
            shown.append(f"and {hidden} more")
        super().__init__("\n".join(shown))


def child(path: str, key: object) -> str:
    """Path of a mapping's entry; keys that are no plain words are written in brackets."""
    if _is_plain(key):
        return f"{path}.{key}" if path else str(key)
    return f"{path}[{show(key)}]"


def entry(path: str, key: object) -> str:
    """Path of an entry whose key is the author's own word, such as a column."""
    return f"{path}[{show(key)}]"


def show(value: object) -> str:
    """A value as its author wrote it, cut to a readable length."""
    if isinstance(value, str):
        cut = value if len(value) <= SHOWN_TEXT else value[: SHOWN_TEXT - 1] + "…"
        # A lone surrogate is legal in JSON and cannot be printed.
        return json.dumps(cut, ensure_ascii=False).encode(errors="replace").decode()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return _digits(value)
    return kind(value)


def kind(value: object) -> str:
    """What a decoded value is, in the words of YAML."""
    if value is None:
        return "nothing"
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return f"a {type(value).__name__}"


# bool comes before int, of which it is a kind.
_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "a string"),
    (dict, "a mapping"),
    ((list, tuple), "a list"),
    (date, "a date"),
    (bytes, "binary data"),
)


def not_a_string(value: object) -> str:
    """Message for a text that YAML read as something else."""
    message = f"expected a string, got {kind(value)}"
    if isinstance(value, bool):
        return f'{message}; write it in quotes as it stands in the data, such as "Yes", "TRUE" or "1"'
    if isinstance(value, (int, float)):
        return f'{message}; write it as a string: "{_digits(value)}"'
    if isinstance(value, date):
        return f'{message}; write it as a string: "{value}"'
    return message


def unknown_field(key: object, *, known: Sequence[str]) -> str:
    """Message for a field that does not exist, with the nearest one that does."""
    message = f"unknown field `{key}`" if _is_plain(key) else f"unknown field {show(key)}"
    if isinstance(key, str) and (close := difflib.get_close_matches(key[:SHOWN_TEXT], known, n=1)):
        return f"{message}; did you mean `{close[0]}`?"
    return f"{message}; known here: {', '.join(known)}"


def not_a_choice(value: object, *, allowed: Sequence[str]) -> str:
    """Message for a value outside a closed set."""
    message = f"expected one of {', '.join(allowed)}; got {show(value)}"
    if not isinstance(value, str):
        return message
    folded = {choice.lower(): choice for choice in allowed}
    close = difflib.get_close_matches(value[:SHOWN_TEXT].lower(), folded, n=1)
    return f"{message}; did you mean {folded[close[0]]}?" if close else message


def _is_plain(key: object) -> bool:
    return isinstance(key, str) and len(key) <= SHOWN_TEXT and _PLAIN_KEY.match(key) is not None


def _digits(value: float) -> str:
    """A number as plain digits, with at least two decimals when it has any, as fractions are written."""
    if isinstance(value, int):
        # Python refuses to print integers of thousands of digits.
        return str(value) if abs(value) < 10**40 else "a very large number"
    text = format(Decimal(repr(value)), "f")
    whole, point, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}" if point else text
