"""Bounds of an event. They are part of the contract: SDKs cut what they send by them."""

from __future__ import annotations

from typing import Final

MOST_EVENT_BYTES: Final = 32 * 1024
MOST_BATCH: Final = 500
"""Events of one request."""
MOST_NESTING: Final = 32
"""Objects and lists within one another, in properties, traits or context."""
MOST_PROPERTIES: Final = 255
MOST_ID: Final = 255
"""Characters of a person's, a group's or a message's id."""
MOST_NAME: Final = 255
"""Characters of the name of an event, a page or a screen."""
