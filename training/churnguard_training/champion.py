"""The champion: the serving revision, scored on the very rows that judge its challenger."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from churnguard_core.bundle import EVALUATION_NAME, InvalidBundle
from churnguard_core.evaluation import Evaluation
from churnguard_core.features import Feature, NumericFeature
from churnguard_scoring.bundle import load_bundle
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, Column, NumericColumn
from churnguard_training.errors import Refused
from churnguard_training.metrics import measure
from churnguard_training.table import Table


def judge_champion(files: Mapping[str, bytes], *, digest: str | None, holdout: Table) -> dict[str, float]:
    """Figures of the champion's bundle on these rows.

    A feature that the champion knows and the table no longer has counts as missing everywhere: that is what callers
    will send.

    Raises:
        Refused: The bundle cannot be loaded.
    """
    try:
        champion = load_bundle(files, digest=digest)
    except InvalidBundle as invalid:
        raise Refused(
            reason="ChampionUnreadable",
            problems=[f"champion bundle: {problem}" for problem in invalid.problems],
            hint="check --champion and --champion-digest, or train without a champion",
        ) from None
    columns = {feature.name: _column(feature, holdout) for feature in champion.scorer.features}
    threshold = msgspec.json.decode(files[EVALUATION_NAME], type=Evaluation).threshold
    return measure(holdout.label, champion.scorer.score_many(columns), threshold=threshold)


def _column(feature: Feature, table: Table) -> Column:
    column = table.features.get(feature.name)
    if isinstance(feature, NumericFeature):
        return column if isinstance(column, NumericColumn) else NumericColumn(np.full(len(table), np.nan))
    if isinstance(column, CategoricalColumn):
        return column
    return CategoricalColumn(np.full(len(table), MISSING_CODE, dtype=np.int32), feature.categories)
