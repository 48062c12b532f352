"""Customer identifiers such as ``4821-QHZKD``: unique, without order, a function of seed and row alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from churnguard_simulator.schema import Identifiers

_DIGITS, _LETTERS = 4, 5
_NUMBERS: Final = 10**_DIGITS
_WORDS: Final = 26**_LETTERS
_ROUNDS: Final = 3

# Golden ratio of 64 bits (Fibonacci hashing) and a shift that keeps the well-mixed high bits.
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(32)

IDENTIFIER_WIDTH: Final = _DIGITS + 1 + _LETTERS
CAPACITY: Final = _NUMBERS * _WORDS


def identifiers(*, rows: NDArray[np.uint64], seed: int) -> Identifiers:
    """Identifiers of these row numbers (below ``CAPACITY``), fixed-width ASCII of 10 bytes.

    A Feistel network over (number, word): each round adds a hash of one half to the other, which can be
    undone, so two rows of one seed never share an identifier.
    """
    keys = np.random.SeedSequence(seed).generate_state(2 * _ROUNDS, dtype=np.uint64)
    words, numbers = rows % np.uint64(_WORDS), rows // np.uint64(_WORDS)
    for number_key, word_key in zip(keys[::2], keys[1::2], strict=True):
        numbers = (numbers + _hash(words, key=number_key)) % np.uint64(_NUMBERS)
        words = (words + _hash(numbers, key=word_key)) % np.uint64(_WORDS)
    return _text(numbers=numbers, words=words)


def _hash(values: NDArray[np.uint64], *, key: np.uint64) -> NDArray[np.uint64]:
    mixed = (values ^ key) * _MULTIPLIER
    return ((mixed ^ (mixed >> _SHIFT)) * _MULTIPLIER) >> _SHIFT


def _text(*, numbers: NDArray[np.uint64], words: NDArray[np.uint64]) -> Identifiers:
    text = np.full((len(numbers), IDENTIFIER_WIDTH), ord("-"), dtype=np.uint8)
    for position in reversed(range(_DIGITS)):
        numbers, digit = np.divmod(numbers, np.uint64(10))
        text[:, position] = digit + np.uint64(ord("0"))
    for position in reversed(range(_DIGITS + 1, IDENTIFIER_WIDTH)):
        words, letter = np.divmod(words, np.uint64(26))
        text[:, position] = letter + np.uint64(ord("A"))
    return text.view(f"S{IDENTIFIER_WIDTH}").reshape(-1)
