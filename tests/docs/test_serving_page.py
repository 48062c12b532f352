"""docs/serving.md names what the server has: arguments, settings, metrics. No more, no less."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

from msgspec import inspect as types

from churnguard_core.features import NumericFeature
from churnguard_serving.metrics import PredictorMetrics
from churnguard_serving.settings import Settings

PAGE = "docs/serving.md"

Keys = Callable[[str, str], list[str]]


def test_every_argument_is_named(table_keys: Keys) -> None:
    command = [sys.executable, "-m", "churnguard_serving", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert table_keys(PAGE, "Arguments") == re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE)


def test_every_setting_is_named(table_keys: Keys) -> None:
    info = types.type_info(Settings)
    assert isinstance(info, types.StructType)
    named = [key for key in table_keys(PAGE, "Settings") if key != "field"]
    assert named == [field.encode_name for field in info.fields]


def test_every_metric_is_named(table_keys: Keys) -> None:
    feature = NumericFeature(name="tenure", minimum=0, maximum=72)
    metrics = PredictorMetrics(model="telco", revision="telco-r1", features=[feature])
    counted = {family.name + ("_total" if family.type == "counter" else "") for family in metrics.collect()}
    named = {key for key in table_keys(PAGE, "Metrics") if key.startswith("churnguard_")}
    about_loading = {name for name in named if "_model_load" in name}
    assert named - about_loading == counted
    assert len(about_loading) == 2
