"""Speed and memory, measured in one run and printed beside what must be reached and beside named peers.

Nothing here fails for being slow: machines differ. ``BENCH=smoke`` measures small sizes, to see that it runs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
import numpy as np

from churnguard_core.result import TrainingResult
from churnguard_scoring.bundle import load_bundle
from churnguard_scoring.reader import columns_from_records
from churnguard_scoring.scorer import Scorer
from churnguard_simulator import simulate
from churnguard_storage import Credentials, open_store
from churnguard_training.modelfile import load_churnmodel
from collecting import collector_rows
from landing import landing_rows
from operating import operator_rows
from peers import LibraryPipeline, deeper_scorer
from quality import ROOT, TASKS, data_folder
from rows import SMOKE, Row, best_microseconds, seconds
from serving import serving_rows

SAMPLE: Final = ROOT / "manifests" / "samples" / "telco.yaml"
MANY_ROWS: Final = 20_000 if SMOKE else 1_000_000


@dataclass(frozen=True, kw_only=True)
class Run:
    """A training run as a process."""

    seconds: float
    mebibytes: float
    result: TrainingResult


def train(model: dict[str, Any], *, store: Path, revision: str) -> Run:
    """Run the training program and measure the whole process."""
    spec = store / f"{revision}.json"
    outcome = store / f"{revision}.result"
    spec.write_bytes(msgspec.json.encode(model))
    command = [sys.executable, "-m", "churnguard_training", "--model", str(spec), "--revision", revision]
    command += ["--output", store.as_uri(), "--result", str(outcome)]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"training {revision} failed with exit code {process.returncode}")
    return Run(
        seconds=time.monotonic() - start,
        mebibytes=usage.ru_maxrss / 1024,
        result=msgspec.json.decode(outcome.read_bytes(), type=TrainingResult),
    )


def training_rows(store: Path) -> tuple[list[Row], Run]:
    """The Telco sample, on the real file when it is there; and a million simulated customers."""
    sample: dict[str, Any] = msgspec.to_builtins(load_churnmodel(SAMPLE))
    real = data_folder() / TASKS["telco"].file
    if real.exists():
        sample["spec"]["data"]["source"] = {"file": {"uri": real.as_uri()}}
    telco = train(sample, store=store, revision="telco-r1")
    sample["spec"]["data"]["source"] = {"simulator": {"rows": MANY_ROWS, "seed": 7}}
    many = train(sample, store=store, revision="telco-r2")
    name = "train on Telco" if real.exists() else "train on simulated Telco"
    rows = [
        Row(what=f"{name}, everything included", value=telco.seconds, unit="s", reach=40),
        Row(what="  peak memory", value=telco.mebibytes, unit="MiB", reach=1024),
        Row(what=f"train on {MANY_ROWS:,} simulated customers", value=many.seconds, unit="s", reach=300),
        Row(what="  peak memory", value=many.mebibytes, unit="MiB", reach=4096),
    ]
    return rows, telco


def scorer_of(run: Run, *, store: Path) -> Scorer:
    """The scorer of a stored bundle."""
    assert run.result.bundle is not None
    files = open_store(store.as_uri(), credentials=Credentials()).get(run.result.bundle.uri)
    scorer = load_bundle(files, digest=run.result.bundle.digest).scorer
    scorer.prepare_reasons()
    return scorer


def folder_of(run: Run) -> Path:
    """Where a run's bundle is."""
    assert run.result.bundle is not None
    return Path(unquote(urlsplit(run.result.bundle.uri).path))


def records_of(scorer: Scorer, *, count: int) -> list[dict[str, Any]]:
    """Simulated customers as callers send them."""
    customers = simulate(rows=count, seed=11)
    names = [feature.name for feature in scorer.features]
    columns = {name: _values(customers.columns[name]) for name in names}
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values(column: Any) -> list[Any]:
    if isinstance(column, np.ndarray):
        return [None if value != value else value for value in column.tolist()]
    return [column.categories[code] for code in column.codes.tolist()]


def scoring_rows(scorer: Scorer) -> list[Row]:
    """One record, and a million, against the libraries' own way."""
    records = records_of(scorer, count=500 if SMOKE else 2000)
    table = columns_from_records(scorer.features, records)
    repeats = MANY_ROWS // len(records)
    many = {name: column.take(np.tile(np.arange(len(records)), repeats)) for name, column in table.items()}
    deeper = deeper_scorer(rows=7043, depth=4, rounds=200)
    pipeline = LibraryPipeline.fit(rows=7043, depth=4, rounds=200)
    few = records[:50]
    score = best_microseconds(scorer.score, records)
    explain = best_microseconds(scorer.explain, records)
    deeper_score = best_microseconds(deeper.score, records)
    deeper_explain = best_microseconds(deeper.explain, records)
    peer_score = best_microseconds(pipeline.score, few)
    peer_explain = best_microseconds(pipeline.explain, few)
    kind = type(scorer.definition.model).__name__
    return [
        Row(what=f"one record to score ({kind})", value=score, unit="us", reach=15),
        Row(what="one record to score with exact reasons", value=explain, unit="us", reach=80),
        Row(what="same, depth 4 x 200 trees: score", value=deeper_score, unit="us"),
        Row(what="same, depth 4 x 200 trees: with exact reasons", value=deeper_explain, unit="us"),
        Row(
            what="peer: scikit-learn pipeline around XGBoost, score",
            value=peer_score,
            unit="us",
            remark=f"{peer_score / deeper_score:.0f} x ours",
        ),
        Row(
            what="peer: the same with shap.TreeExplainer",
            value=peer_explain,
            unit="us",
            remark=f"{peer_explain / deeper_explain:.0f} x ours",
        ),
        Row(
            what=f"{MANY_ROWS:,} rows to scores",
            value=seconds(lambda: scorer.score_many(many)),
            unit="s",
            reach=10,
        ),
        Row(
            what="  with exact reasons", value=seconds(lambda: scorer.explain_many(many)), unit="s", reach=60
        ),
        Row(
            what="same, depth 4 x 200 trees: scores", value=seconds(lambda: deeper.score_many(many)), unit="s"
        ),
        Row(what="  with exact reasons", value=seconds(lambda: deeper.explain_many(many)), unit="s"),
    ]


def simulator_rows() -> list[Row]:
    """The simulator alone."""
    taken = seconds(lambda: simulate(rows=MANY_ROWS, seed=7))
    return [Row(what=f"simulate {MANY_ROWS:,} customers", value=taken, unit="s", reach=10)]


def learning_rows() -> Iterator[Row]:
    """From data to answers: training, scoring, serving."""
    with tempfile.TemporaryDirectory(prefix="churnguard-bench-") as folder:
        store = Path(folder)
        rows, telco = training_rows(store)
        yield from rows
        scorer = scorer_of(telco, store=store)
        yield from scoring_rows(scorer)
        yield from serving_rows(folder_of(telco), records=records_of(scorer, count=1000))


PARTS: Final[dict[str, Callable[[], Iterable[Row]]]] = {
    "simulator": simulator_rows,
    "learning": learning_rows,
    "operator": operator_rows,
    "collector": collector_rows,
    "landing": landing_rows,
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Quality and speed, with the numbers they must reach.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    asked = parser.parse_args().parts or list(PARTS)
    if unknown := set(asked) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print(
        f"{'smoke: small sizes, the figures mean nothing' if SMOKE else 'full sizes'}; {os.cpu_count()} processors"
    )
    for part in asked:
        for row in PARTS[part]():
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
