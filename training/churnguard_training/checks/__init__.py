"""The checks between a data source and training.

A source delivers an Arrow table; :func:`check_table` types its columns and refuses what no honest model can be
trained on, naming every problem at once. Each step is a pure function in a file named for what it looks at.
"""

from __future__ import annotations

from churnguard_training.checks.checking import check_table
from churnguard_training.checks.origin import Origin, origin_of, with_origin

__all__ = ["Origin", "check_table", "origin_of", "with_origin"]
