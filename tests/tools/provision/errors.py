"""What goes wrong while a tool is provided."""

from __future__ import annotations


class ToolError(Exception):
    """The tool cannot be had; the message says what to do."""


class GoMissingError(ToolError):
    """No Go on this machine can build what is asked."""
