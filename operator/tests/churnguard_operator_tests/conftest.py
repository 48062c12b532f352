from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from churnguard_core.churnmodel.types import Store
from churnguard_operator.settings import Settings
from churnguard_operator_tests.children import everything, job, model, served, view
from churnguard_operator_tests.world import World

__all__ = ["everything", "job", "model", "served", "view"]

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)


@pytest.fixture
def settings() -> Settings:
    return Settings(
        training_image="registry.example.com/churnguard-training:1",
        serving_image="registry.example.com/churnguard-serving:1",
        store=Store(uri="pvc://bundles/models"),
    )


@pytest.fixture
def spec() -> dict[str, Any]:
    return {
        "data": {"source": {"simulator": {"rows": 7043}}, "columns": {"label": {"name": "Churn"}}},
        "training": {"retries": 2},
    }


@pytest.fixture
def world(settings: Settings) -> World:
    return World(settings=settings, now=NOON)
