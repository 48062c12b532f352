"""One training run, from a ChurnModel to a stored bundle: the stages in order, their work elsewhere."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
from threadpoolctl import threadpool_limits

from churnguard_core.bundle import InvalidBundle, content_digest, verify_bundle
from churnguard_core.churnmodel.types import ChurnModel, Data
from churnguard_core.evaluation import Evaluation
from churnguard_core.gates import GateOutcome, judge_gates
from churnguard_core.names import bundle_path
from churnguard_core.result import BundleReference, TrainingResult
from churnguard_scoring.scorer import Scorer
from churnguard_storage import (
    BundleStore,
    Credentials,
    StorageError,
    fetch,
    open_store,
    read_bundle,
    read_credentials,
)
from churnguard_training import sources
from churnguard_training.assemble import build_content, build_manifest, content_files
from churnguard_training.candidates.svm import MOST_ROWS
from churnguard_training.champion import Champion, judge_champion, load_champion
from churnguard_training.checks import check_table
from churnguard_training.errors import Refused
from churnguard_training.fitting import FittedModel, fit_model
from churnguard_training.folds import Split, split_holdout
from churnguard_training.judge import judge
from churnguard_training.refusing import refusing
from churnguard_training.reporting import Reporter
from churnguard_training.sources.postgres import read_query
from churnguard_training.table import Table

LEAST_HOLDOUT_OF_A_CLASS = 10


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to train, and where the bundle goes. ``champion`` is the URI of the serving revision's bundle."""

    model: ChurnModel
    revision: str
    output: str
    champion: str | None = None
    champion_digest: str | None = None


@refusing("StoreUnreachable")
def run(request: Request, *, reporter: Reporter, environ: Mapping[str, str] = os.environ) -> TrainingResult:
    """Train, judge and store one revision.

    Raises:
        Refused: The data, the spec or the store is at fault; nothing was stored.
    """
    model = request.model
    # One thread for linear algebra: sums in another order would give another digest, and two cores have two trials.
    with threadpool_limits(limits=1):
        # What can be refused at once is refused before the work.
        credentials = read_credentials(role="store", environ=environ)
        store = open_store(request.output, credentials=credentials, environ=environ)
        store.list(f"{model.metadata.namespace}/{model.metadata.name}")
        champion = _read_champion(request, credentials=credentials, environ=environ)
        table = _load(model.spec.data, reporter=reporter, environ=environ)
        split = _split(table, model=model, reporter=reporter)
        training_part, holdout = table.rows(split.training), table.rows(split.holdout)
        fitted = _fit(training_part, model=model, reporter=reporter)
        reporter.report("judge", f"judging on {len(holdout):,} held-out rows ({split.method})")
        evaluation = judge(
            fitted,
            training_part=training_part,
            holdout=holdout,
            method=split.method,
            training=model.spec.training,
        )
        figures = {} if champion is None else judge_champion(champion, holdout=holdout)
        gates = judge_gates(
            model.spec.gates, metrics=evaluation.metrics, champion=figures, baseline=evaluation.baseline
        )
        judged = _Judged(fitted=fitted, evaluation=evaluation, champion=figures, gates=gates)
        bundle = _store(
            store, judged, request=request, table=table, training_part=training_part, reporter=reporter
        )
    result = _result(
        judged, request=request, bundle=bundle, rows=len(table), seconds=round(reporter.elapsed, 1)
    )
    reporter.report("done", f"{request.revision}: ROC AUC {evaluation.metrics['rocAuc']:.3f} on the hold-out")
    return result


@dataclass(frozen=True, eq=False, kw_only=True)
class _Judged:
    fitted: FittedModel
    evaluation: Evaluation
    champion: Mapping[str, float]
    gates: tuple[GateOutcome, ...]


def _read_champion(
    request: Request, *, credentials: Credentials, environ: Mapping[str, str]
) -> Champion | None:
    if request.champion is None:
        return None
    files = read_bundle(request.champion, credentials=credentials, environ=environ)
    return load_champion(files, digest=request.champion_digest)


@refusing("SourceUnreadable")
def _load(data: Data, *, reporter: Reporter, environ: Mapping[str, str]) -> Table:
    reporter.report("read", "reading customers")
    credentials = read_credentials(role="source", environ=environ)

    def query(text: str) -> pa.Table:
        if credentials.uri is None:
            raise Refused(
                reason="SourceUnreadable",
                problems=["spec.data.source.postgres: no connection was handed over"],
                hint="put the connection into key `uri` of the Secret, or into CHURNGUARD_SOURCE_URI",
            )
        return read_query(credentials.uri, text)

    with tempfile.TemporaryDirectory(prefix="churnguard-") as folder:
        file = partial(fetch, credentials=credentials, folder=Path(folder), environ=environ)
        raw = sources.read(data, fetch=file, query=query)
        reporter.report("check", f"checking {raw.num_rows:,} rows and {raw.num_columns} columns")
        return check_table(raw, data)


def _split(table: Table, *, model: ChurnModel, reporter: Reporter) -> Split:
    if "SVM" in model.spec.training.algorithms and len(table) > MOST_ROWS:
        raise Refused(
            reason="InvalidSpec",
            problems=[
                f"spec.training.algorithms: SVM takes at most {MOST_ROWS:,} rows, there are {len(table):,}"
            ],
            hint="remove SVM; XGBoost is better on as many rows",
        )
    for warning in table.warnings:
        reporter.report("check", f"warning: {warning}")
    split = split_holdout(table, has_id=model.spec.data.columns.id is not None)
    for name, rows in (("hold-out", split.holdout), ("training part", split.training)):
        positives = int(table.label[rows].sum())
        if min(positives, len(rows) - positives) < LEAST_HOLDOUT_OF_A_CLASS:
            raise Refused(
                reason="TooFewRows",
                problems=[
                    f"the {name} (by {split.method}) has {positives} who left among {len(rows)} rows; "
                    f"{LEAST_HOLDOUT_OF_A_CLASS} of each class are the least that can be judged"
                ],
                hint="bring more rows; with a time column, make sure that the latest fifth has outcomes",
            )
    return split


def _fit(table: Table, *, model: ChurnModel, reporter: Reporter) -> FittedModel:
    reporter.report("search", f"{len(table):,} rows to learn from", percent=0)
    fitted = fit_model(
        table,
        model.spec.training,
        progress=lambda percent, message: reporter.report("search", message, percent=percent),
    )
    report = fitted.candidates[0]
    reporter.report("fit", f"{fitted.algorithm} wins with cross-validated log loss {report.log_loss:.4f}")
    return fitted


def _store(
    store: BundleStore,
    judged: _Judged,
    *,
    request: Request,
    table: Table,
    training_part: Table,
    reporter: Reporter,
) -> BundleReference:
    # Imported late: the card needs shap and matplotlib, two seconds that a refusal need not wait for.
    from churnguard_training.card import card_documents

    model, fitted, evaluation = request.model, judged.fitted, judged.evaluation
    reporter.report("explain", "writing the model card")
    documents = card_documents(
        model=model,
        revision=request.revision,
        algorithm=fitted.algorithm,
        evaluation=evaluation,
        champion=judged.champion,
        gates=judged.gates,
        scorer=Scorer(fitted.definition),
        sample=training_part,
    )
    seed = model.spec.training.seed
    files = content_files(fitted, evaluation=evaluation, training_part=training_part, seed=seed)
    content = build_content(files, fitted=fitted, data_digest=table.digest, model=model)
    name, manifest = build_manifest(
        content, documents=documents, model=model, revision=request.revision, now=datetime.now(UTC)
    )
    digest = content_digest(content)
    path = bundle_path(
        namespace=model.metadata.namespace,
        model=model.metadata.name,
        revision=request.revision,
        digest=digest,
    )
    reporter.report("write", f"writing the bundle {path}")
    uri = _put(store, path, {**files, **documents, name: manifest}, digest=digest)
    return BundleReference(uri=uri, digest=digest)


def _put(store: BundleStore, path: str, files: Mapping[str, bytes], *, digest: str) -> str:
    try:
        return store.put(path, files)
    except StorageError:
        # A Job whose pod died after writing runs again: the same bundle with another time of origin is there.
        with suppress(StorageError, InvalidBundle):
            verify_bundle(store.get(path), digest=digest)
            return f"{store.uri}/{path}"
        raise


def _result(
    judged: _Judged, *, request: Request, bundle: BundleReference, rows: int, seconds: float
) -> TrainingResult:
    evaluation = judged.evaluation
    value = {} if evaluation.value_at_risk is None else {"valueAtRisk": evaluation.value_at_risk.total}
    return TrainingResult(
        verdict="Trained",
        model=request.model.metadata.name,
        revision=request.revision,
        bundle=bundle,
        algorithm=judged.fitted.algorithm,
        holdout=evaluation.holdout,
        rows=rows,
        holdout_rows=evaluation.rows,
        prevalence=evaluation.positives / evaluation.rows,
        metrics=_rounded({**evaluation.metrics, **value}),
        intervals={
            name: (round(low, 4), round(high, 4)) for name, (low, high) in evaluation.intervals.items()
        },
        champion=_rounded(judged.champion),
        baseline=_rounded(evaluation.baseline),
        gates=judged.gates,
        empty_score=Scorer(judged.fitted.definition).score({}),
        warnings=evaluation.warnings,
        seconds=seconds,
    )


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in figures.items()}
