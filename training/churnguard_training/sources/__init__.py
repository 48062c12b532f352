"""Data sources: the simulator, CSV and Parquet files, and Postgres queries, each as an Arrow table."""

from __future__ import annotations

from churnguard_training.sources.dispatch import Fetch, Query, read

__all__ = ["Fetch", "Query", "read"]
