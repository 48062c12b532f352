"""Candidates: the algorithms that compete for a revision, behind one small interface."""

from __future__ import annotations

from typing import Final

from churnguard_training.candidates.base import Candidate, Fitted, Parameters
from churnguard_training.candidates.boosting import Boosting
from churnguard_training.candidates.forest import Forest
from churnguard_training.candidates.logistic import Logistic
from churnguard_training.candidates.svm import SupportVectorMachine

CANDIDATES: Final[dict[str, Candidate]] = {
    "XGBoost": Boosting(),
    "LogisticRegression": Logistic(),
    "RandomForest": Forest(),
    "SVM": SupportVectorMachine(),
}

__all__ = ["CANDIDATES", "Candidate", "Fitted", "Parameters"]
