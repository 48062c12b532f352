"""What decoding raises on bytes that somebody else wrote."""

from __future__ import annotations

from typing import Final

import msgspec

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""Everything that ``msgspec.json.decode`` raises on a truncated, foreign or hostile text.

Besides its own errors these are texts that are no UTF-8 (or, given as ``str``, hold lone surrogates) and nesting
without end.
"""
