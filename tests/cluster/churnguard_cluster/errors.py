"""What can go wrong with a rig, each told in full by its message.

::

    ClusterError
    ├── MissingToolError    a program that the rig starts is not built or not installed
    ├── PieceFailedError    a piece ended, or was not ready in time; holds the end of its log
    └── UnsupportedError    asked of a cluster that cannot do it: a node without root, pods played on a real node
"""

from __future__ import annotations


class ClusterError(Exception):
    """The cluster cannot do what was asked of it; the message says why and what to do."""


class MissingToolError(ClusterError):
    """A program is not there; the message names the command that brings it."""


class PieceFailedError(ClusterError):
    """A piece of the cluster ended or did not become ready; the message ends with the last lines of its log."""


class UnsupportedError(ClusterError):
    """This cluster, or this user of the machine, has no such thing."""
