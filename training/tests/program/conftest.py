"""The training program as a Job starts it: a process, its exit code, its output, and what it leaves in a store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import decode

from churnguard_core.card import CardData
from churnguard_core.evaluation import Evaluation
from churnguard_core.progress import ProgressLine, decode_progress
from churnguard_core.result import TrainingResult, decode_result
from churnguard_simulator import simulate, write_customers_csv

Spec = Callable[..., dict[str, Any]]
Train = Callable[..., "Finished"]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a run left. ``bundle`` are the files of the one bundle that it says it stored."""

    code: int
    lines: tuple[bytes, ...]
    err: str
    store: Path
    result_file: Path

    @property
    def result(self) -> TrainingResult:
        return decode_result(self.lines[-1])

    @property
    def progress(self) -> tuple[ProgressLine, ...]:
        return tuple(line for line in map(decode_progress, self.lines) if line)

    @property
    def bundle(self) -> dict[str, bytes]:
        assert self.result.bundle is not None, self.err
        folder = Path(self.result.bundle.uri.removeprefix("file://"))
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    @property
    def evaluation(self) -> Evaluation:
        return decode(self.bundle["evaluation.json"], type=Evaluation)

    @property
    def card(self) -> CardData:
        return decode(self.bundle["card.json"], type=CardData)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A run that goes on."""

    process: subprocess.Popen[bytes]
    folder: Path
    store: Path
    lines: list[bytes] = field(default_factory=list)

    def wait_for(self, what: Callable[[bytes], object]) -> None:
        """Read until a line is as wanted."""
        assert self.process.stdout is not None
        while not (self.lines and what(self.lines[-1])):
            line = self.process.stdout.readline()
            assert line, f"ended with {self.process.wait()}: {(self.folder / 'stderr').read_text()}"
            self.lines.append(line.rstrip(b"\n"))

    def finish(self) -> Finished:
        rest, _ = self.process.communicate(timeout=120)
        return Finished(
            code=self.process.returncode,
            lines=(*self.lines, *rest.splitlines()),
            err=(self.folder / "stderr").read_text(),
            store=self.store,
            result_file=self.folder / "result.json",
        )


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> dict[str, str]:
    """Nothing of the developer's settings; and bytecode is kept, else every process compiles its libraries."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHURNGUARD_")}
    if inherited.pop("PYTHONDONTWRITEBYTECODE", ""):
        inherited["PYTHONPYCACHEPREFIX"] = str(pytestconfig.cache.mkdir("bytecode"))
    return inherited


@pytest.fixture(scope="session")
def start(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Running]]:
    """``start(spec, *arguments, store=, program=, **environment)``: begin a training run."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(
        spec: dict[str, Any],
        *arguments: str,
        store: Path | None = None,
        program: Sequence[str] = ("-m", "churnguard_training"),
        **more: str,
    ) -> Running:
        folder = tmp_path_factory.mktemp("run")
        store = store or folder / "store"
        (folder / "telco.json").write_text(json.dumps(spec))
        command = [sys.executable, *program, "--model", "telco.json", "--revision", "telco-r1"]
        command += ["--output", store.as_uri(), "--result", "result.json", *arguments]
        with (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**environment, **more},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        begun.append(process)
        return Running(process=process, folder=folder, store=store)

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def train(start: Callable[..., Running]) -> Train:
    """As ``start``, to the end of the run."""
    return lambda *arguments, **options: start(*arguments, **options).finish()


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of simulated customers."""
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    write_customers_csv([simulate(rows=1_200, seed=7)], path)
    return path


@pytest.fixture(scope="session")
def with_column(customers: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``with_column(name, value)``: the same customers with one column more, ``value(row, left)``."""

    def add(name: str, value: Callable[[int, bool], object]) -> Path:
        header, *lines = customers.read_text().splitlines()
        rows = [f"{line},{value(row, line.endswith(',Yes'))}" for row, line in enumerate(lines)]
        path = tmp_path_factory.mktemp("data") / "customers.csv"
        path.write_text("\n".join([f"{header},{name}", *rows]) + "\n")
        return path

    return add


@pytest.fixture(scope="session")
def spec(customers: Path) -> Spec:
    """``spec(file=, columns=, allow=, gates=, **training)``: a ChurnModel that trains fast."""

    def build(
        *,
        file: Path = customers,
        columns: dict[str, Any] | None = None,
        allow: dict[str, Any] | None = None,
        gates: Sequence[dict[str, str]] = (),
        **training: Any,
    ) -> dict[str, Any]:
        roles = {"id": "customerID", "label": {"name": "Churn"}, "value": "MonthlyCharges"}
        return {
            "apiVersion": "churnguard.dev/v1alpha1",
            "kind": "ChurnModel",
            "metadata": {"name": "telco", "namespace": "retention"},
            "spec": {
                "data": {
                    "source": {"file": {"uri": file.as_uri()}},
                    "columns": {**roles, "protected": ["gender"], **(columns or {})},
                    "allow": allow or {},
                },
                "training": {"algorithms": ["XGBoost"], "search": {"trials": 2}, **training},
                "gates": list(gates),
            },
        }

    return build


@pytest.fixture(scope="session")
def linear_spec(spec: Spec) -> dict[str, Any]:
    return spec(
        algorithms=["LogisticRegression"],
        balancing="SMOTE",
        gates=[{"metric": "logLoss", "maxRegression": "0.05"}],
    )


@pytest.fixture(scope="session")
def by_time_spec(spec: Spec, with_column: Callable[..., Path]) -> dict[str, Any]:
    """Five months of customers in no order; ``month`` is a feature, ``day`` the time."""
    path = with_column("day", lambda row, _: f"2026-0{row * 7 % 5 + 1}-1{row % 10}")
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},month", *(f"{line},month {line[-4]}" for line in lines)]) + "\n")
    return spec(file=path, columns={"time": "day"}, algorithms=["SVM"])


@pytest.fixture(scope="session")
def trained(
    train: Train, spec: Spec, linear_spec: dict[str, Any], by_time_spec: dict[str, Any]
) -> Iterator[dict[str, Future[Finished]]]:
    """Runs that trained, for all who only look; two at once."""

    def against_boosted() -> Finished:
        champion = runs["boosted"].result().result.bundle
        assert champion is not None
        arguments = ("--champion", champion.uri, "--champion-digest", champion.digest)
        return train(linear_spec, *arguments, OMP_NUM_THREADS="1")

    forest = spec(algorithms=["RandomForest"], balancing="ClassWeight", search={"trials": 1})
    with ThreadPoolExecutor(2) as pool:
        runs = {"boosted": pool.submit(train, spec(), OMP_NUM_THREADS="1")}
        runs["forest"] = pool.submit(train, forest)
        runs["linear"] = pool.submit(against_boosted)
        runs["by_time"] = pool.submit(train, by_time_spec)
        yield runs


@pytest.fixture(scope="session")
def boosted(trained: dict[str, Future[Finished]]) -> Finished:
    return trained["boosted"].result()


@pytest.fixture(scope="session")
def linear(trained: dict[str, Future[Finished]]) -> Finished:
    """Has the boosted one as its champion."""
    return trained["linear"].result()


@pytest.fixture(scope="session")
def by_time(trained: dict[str, Future[Finished]]) -> Finished:
    """Judged on the latest customers."""
    return trained["by_time"].result()
