"""The champion: the serving revision, scored on the very rows that judge its challenger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from churnguard_core.bundle import EVALUATION_NAME, InvalidBundle
from churnguard_core.evaluation import Evaluation
from churnguard_core.features import Feature, NumericFeature
from churnguard_core.undecodable import UNDECODABLE
from churnguard_scoring.bundle import load_bundle
from churnguard_scoring.columns import MISSING_CODE, CategoricalColumn, Column, NumericColumn
from churnguard_scoring.scorer import Scorer
from churnguard_training.errors import Refused
from churnguard_training.metrics import measure
from churnguard_training.table import Table


@dataclass(frozen=True, eq=False, kw_only=True)
class Champion:
    """The serving revision's scorer, and its threshold tuned for F1."""

    scorer: Scorer
    threshold: float


def load_champion(files: Mapping[str, bytes], *, digest: str | None) -> Champion:
    """The champion of a bundle.

    Raises:
        Refused: The bundle cannot be loaded.
    """
    try:
        bundle = load_bundle(files, digest=digest)
        evaluation = msgspec.json.decode(files[EVALUATION_NAME], type=Evaluation)
    except InvalidBundle as invalid:
        raise _unreadable(*invalid.problems) from None
    except UNDECODABLE as error:
        raise _unreadable(f"{EVALUATION_NAME}: {error}") from None
    return Champion(scorer=bundle.scorer, threshold=evaluation.threshold)


def judge_champion(champion: Champion, *, holdout: Table) -> dict[str, float]:
    """Figures of the champion on these rows.

    A feature that the champion knows and the table no longer has counts as missing everywhere: that is what callers
    will send.
    """
    columns = {feature.name: _column(feature, holdout) for feature in champion.scorer.features}
    return measure(holdout.label, champion.scorer.score_many(columns), threshold=champion.threshold)


def _unreadable(*problems: str) -> Refused:
    return Refused(
        reason="ChampionUnreadable",
        problems=[f"champion bundle: {problem}" for problem in problems],
        hint="check --champion and --champion-digest, or train without a champion",
    )


def _column(feature: Feature, table: Table) -> Column:
    column = table.features.get(feature.name)
    if isinstance(feature, NumericFeature):
        return column if isinstance(column, NumericColumn) else NumericColumn(np.full(len(table), np.nan))
    if isinstance(column, CategoricalColumn):
        return column
    return CategoricalColumn(np.full(len(table), MISSING_CODE, dtype=np.int32), feature.categories)
