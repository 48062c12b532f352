"""The service behind every door: one revision, the settings of the moment, and what is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from churnguard_core.features import Feature
from churnguard_scoring.bundle import LoadedBundle
from churnguard_scoring.columns import Columns
from churnguard_scoring.radial_basis import NoReasonsError
from churnguard_scoring.records import InvalidRecords, check_records
from churnguard_serving.metrics import PredictorMetrics
from churnguard_serving.predictor import Explained, Instance, Prediction, Predictor
from churnguard_serving.problems import BadRequest, wrong_fields
from churnguard_serving.settings import Limits, Settings

FEW: Final = 16
"""Up to so many records are scored one by one: laying out columns costs more than it saves."""
BLOCK: Final = 512
"""Records that are laid out at a time: they stay in the processor's cache, and other threads get their turn."""

_Answer = TypeVar("_Answer", Prediction, Explained)


class Service:
    """Answers requests and counts them; its methods may run in any thread.

    Args:
        bundle: The verified bundle that answers.
        name: The model's name in URLs and answers.
        settings: Levels, insights and limits to begin with.
        metrics: Where answers are counted.
    """

    def __init__(
        self, bundle: LoadedBundle, *, name: str, settings: Settings, metrics: PredictorMetrics
    ) -> None:
        self.name = name
        self.revision = bundle.manifest.origin.revision
        self.metrics = metrics
        self.ready = True
        self.draining = False
        self._scorer = bundle.scorer
        self.apply(settings)

    @property
    def features(self) -> Sequence[Feature]:
        """The features that a record may have."""
        return self._scorer.features

    @property
    def settings(self) -> Settings:
        """What is applied at the moment."""
        return self._predictor.settings

    @property
    def limits(self) -> Limits:
        """Bounds of one request."""
        return self._predictor.settings.limits

    def apply(self, settings: Settings) -> None:
        """Answer by these settings from the next request on."""
        self._predictor = Predictor.of(self._scorer, settings)

    def drain(self) -> None:
        """Say that no more requests should come, and go on answering those that do."""
        self.ready = False
        self.draining = True

    def predict(self, records: Sequence[Instance]) -> list[Prediction]:
        """A counted prediction for every record; BadRequest names all fields that cannot be used."""
        predictor = self._predictor
        return self._answer(
            records, few=predictor.predict, table=lambda columns, _: predictor.predict_table(columns)
        )

    def explain(self, records: Sequence[Instance]) -> list[Explained]:
        """A counted prediction with reasons for every record; BadRequest as in ``predict``, or for an SVM."""
        return self._answer(records, few=self._predictor.explain, table=self._predictor.explain_table)

    def _answer(
        self,
        records: Sequence[Instance],
        *,
        few: Callable[[Sequence[Instance]], list[_Answer]],
        table: Callable[[Columns, Sequence[Instance]], list[_Answer]],
    ) -> list[_Answer]:
        try:
            if len(records) <= FEW:
                answers = few(records)
                self.metrics.count_records(records)
            else:
                answers = []
                for start in range(0, len(records), BLOCK):
                    block = records[start : start + BLOCK]
                    columns = self._scorer.columns(block)
                    answers += table(columns, block)
                    self.metrics.count_table(columns, block)
        except InvalidRecords:
            raise wrong_fields(check_records(self.features, records)) from None
        except NoReasonsError as error:
            raise BadRequest(str(error)) from None
        self.metrics.count_answers(answers)
        return answers
