"""What others do: a scikit-learn pipeline around XGBoost, explained by shap, one DataFrame row at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shap
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

from churnguard_core.churnmodel.types import Columns, Data, Label, SimulatorSource, Source
from churnguard_scoring.encoder import encode
from churnguard_scoring.scorer import Scorer, ScorerDefinition
from churnguard_training import sources
from churnguard_training.candidates.base import Sample
from churnguard_training.candidates.boosting import Boosting
from churnguard_training.checks import check_table
from churnguard_training.encoders import describe_features
from churnguard_training.table import Table

NUMBERS = ["tenure", "MonthlyCharges", "TotalCharges"]


def simulated_table(rows: int) -> Table:
    """Simulated customers, checked."""
    data = Data(
        source=Source(simulator=SimulatorSource(rows=rows, seed=7)),
        columns=Columns(id="customerID", label=Label(name="Churn"), protected=("gender", "SeniorCitizen")),
    )
    return check_table(sources.read(data, fetch=_nothing, query=_nothing), data)


def _nothing(_: str) -> Any:
    raise AssertionError("the simulator reads nothing")


def deeper_scorer(*, rows: int, depth: int, rounds: int) -> Scorer:
    """Our scorer of boosted trees with this depth and number."""
    table, candidate = simulated_table(rows), Boosting()
    encoder = candidate.fit_encoder(table.features)
    sample = Sample(x=encode(encoder, table.features, dtype=np.float32), y=table.label)
    parameters = {**candidate.default(), "depth": depth, "rounds": rounds}
    model = candidate.fit(sample, parameters, seed=7, threads=2).export()
    scorer = Scorer(
        ScorerDefinition(features=describe_features(table.features), encoder=encoder, model=model)
    )
    scorer.prepare_reasons()
    return scorer


class LibraryPipeline:
    """ColumnTransformer, XGBClassifier and TreeExplainer, as their documentation shows."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._explainer = shap.TreeExplainer(pipeline[-1])

    @classmethod
    def fit(cls, *, rows: int, depth: int, rounds: int) -> LibraryPipeline:
        """Fit on simulated customers."""
        table = simulated_table(rows)
        frame = pd.DataFrame({name: _values(column) for name, column in table.features.items()})
        categories = [name for name in frame.columns if name not in NUMBERS]
        encoder = ColumnTransformer(
            [("numbers", StandardScaler(), NUMBERS), ("categories", OneHotEncoder(), categories)]
        )
        model = XGBClassifier(
            n_estimators=rounds,
            max_depth=depth,
            learning_rate=0.04,
            subsample=0.8,
            colsample_bytree=0.8,
            n_jobs=1,
        )
        return cls(Pipeline([("encoder", encoder), ("model", model)]).fit(frame, table.label))

    def score(self, record: Mapping[str, Any]) -> float:
        """Churn probability of one record."""
        return float(self.pipeline.predict_proba(self._frame(record))[0, 1])

    def explain(self, record: Mapping[str, Any]) -> Any:
        """Shapley values of one record."""
        return self._explainer.shap_values(self.pipeline[0].transform(self._frame(record)))

    @staticmethod
    def _frame(record: Mapping[str, Any]) -> pd.DataFrame:
        frame = pd.DataFrame([record])
        frame[NUMBERS] = frame[NUMBERS].astype(float)
        return frame


def _values(column: Any) -> Any:
    return column.values if hasattr(column, "values") else np.array(column.categories)[column.codes]
