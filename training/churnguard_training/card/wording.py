"""Numbers and names as people read them."""

from __future__ import annotations

from typing import Final

SHOWN_NAME: Final = 40


def percent(share: float) -> str:
    """A share as a percentage: one decimal below ten, none above."""
    points = 100 * share
    # 9.96 would be rounded to 10.0.
    return f"{points:.1f} %" if abs(points) < 9.95 else f"{points:.0f} %"


def points(difference: float) -> str:
    """A difference of two shares in percentage points."""
    return f"{100 * difference:.1f} points"


def figure(value: float) -> str:
    """A metric."""
    return f"{value:.3f}"


def times(factor: float) -> str:
    """A multiple."""
    return f"{factor:.1f} times"


def amount(money: float) -> str:
    """Money or another large number: decimals only where they matter."""
    return f"{money:,.0f}" if abs(money) >= 100 else f"{money:,.2f}"


def number(value: float) -> str:
    """A value of a feature: at most four significant digits, plain."""
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e9:
        text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
        return text.removesuffix(".0")
    return f"{value:.3g}"


def counted(count: int, noun: str) -> str:
    """A count with its noun, such as ``1 gate`` and ``2 gates``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(texts: list[str]) -> str:
    """Texts in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def short(text: str, *, most: int = SHOWN_NAME) -> str:
    """A name of the author's data, on one line and cut to a readable length."""
    line = one_line(text)
    return line if len(line) <= most else line[: most - 1] + "…"


def one_line(text: str) -> str:
    """A text without line breaks and control characters, which a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
