"""The service behind every door: one revision, the settings of the moment, and what is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from churnguard_core.features import Feature
from churnguard_scoring.bundle import LoadedBundle
from churnguard_scoring.columns import RecordColumns
from churnguard_scoring.radial_basis import NoReasonsError
from churnguard_scoring.records import InvalidRecords, Record, check_records
from churnguard_serving.metrics import PredictorMetrics
from churnguard_serving.predictor import Answer, Answers, Explained, Prediction, Predictor
from churnguard_serving.problems import BadRequest, wrong_fields
from churnguard_serving.settings import Limits, Settings

FEW: Final = 16
"""Up to so many dictionaries are scored one by one: laying out columns costs more than it saves."""
BLOCK: Final = 512
"""Records that are laid out at a time: they stay in the processor's cache, and other threads get their turn."""


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

    def predict(self, records: Sequence[Record]) -> list[Prediction]:
        """A counted prediction for every record; BadRequest names all fields that cannot be used."""
        predictor = self._predictor
        return self._answer(
            records, few=predictor.predict, table=lambda columns, _: predictor.predict_table(columns)
        )

    def explain(self, records: Sequence[Record]) -> list[Explained]:
        """A counted prediction with reasons for every record; BadRequest as in ``predict``, or for an SVM."""
        return self._answer(records, few=self._predictor.explain, table=self._predictor.explain_table)

    def _answer(
        self,
        records: Sequence[Record],
        *,
        few: Callable[[Sequence[Record]], list[Answer]],
        table: Callable[[RecordColumns, Sequence[Record]], Answers[Answer]],
    ) -> list[Answer]:
        try:
            if dictionaries := _few_dictionaries(records):
                return self._answer_few(dictionaries, few=few)
            return self._answer_blocks(records, table=table)
        except InvalidRecords:
            raise wrong_fields(check_records(self.features, records)) from None
        except NoReasonsError as error:
            raise BadRequest(str(error)) from None

    def _answer_few(
        self, records: Sequence[dict[str, Any]], *, few: Callable[[Sequence[Record]], list[Answer]]
    ) -> list[Answer]:
        answers = few(records)
        self.metrics.count_records(records)
        self.metrics.count_answers(answers)
        return answers

    def _answer_blocks(
        self,
        records: Sequence[Record],
        *,
        table: Callable[[RecordColumns, Sequence[Record]], Answers[Answer]],
    ) -> list[Answer]:
        found = []
        for start in range(0, len(records), BLOCK):
            block = records[start : start + BLOCK]
            columns = self._scorer.columns(block)
            found.append((columns, block, table(columns, block)))
        # Only now: nothing is counted of a request that is refused.
        for columns, block, answers in found:
            self.metrics.count_table(columns, block)
            self.metrics.count_scores(answers.scores, answers.levels)
        return [answer for _, _, answers in found for answer in answers.answers]


def _few_dictionaries(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The records, or none when they are many or rows."""
    if not 0 < len(records) <= FEW or records[0].__class__ is not dict:
        return []
    return records  # type: ignore[return-value]
