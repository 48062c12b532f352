"""What a training depends on, as one digest: while it stays the same, training again gives the same model.

Only what can be seen from here has a fingerprint: simulated customers and files of this machine. Rows behind a query,
objects of S3 and files of a claim may change unseen.
"""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from churnguard_core.churnmodel.data import Source
from churnguard_core.churnmodel.types import ChurnModel

OURS: Final = ("churnguard_core", "churnguard_scoring", "churnguard_simulator", "churnguard_training")
"""Packages whose code decides what is learnt; while they are worked on, their version says nothing."""
LIBRARIES: Final = (
    "imbalanced-learn",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "xgboost",
    "xgboost-cpu",
)
"""Distributions whose version may change what is learnt."""

# What is left out is named, not what is taken: a field that is new and forgotten here trains once too often.
_NOT_OF_THE_MODEL: Final = ("history", "serving", "store", "suspend")
_NOT_OF_THE_TRAINING: Final = ("deadlineSeconds", "resources", "retries", "schedule")

_READERS: Final = (".csv", ".gz", ".parquet")


def fingerprint_of(model: ChurnModel) -> str | None:
    """Digest of customers, spec and programs; None when the customers cannot be seen from here.

    Gates are part of it: they decide what is served, and judging needs a training's hold-out.
    """
    customers = _customers(model.spec.data.source)
    if customers is None:
        return None
    spec = _training_spec(model)
    whole = {"customers": customers, "spec": spec, "versions": _versions(), "code": _code()}
    return f"sha256:{hashlib.sha256(msgspec.json.encode(whole, order='deterministic')).hexdigest()}"


def can_see(source: Source) -> bool:
    """Whether a change of a source's customers is seen from here."""
    return source.simulator is not None or _local_file(source) is not None


def _customers(source: Source) -> dict[str, Any] | None:
    if source.simulator is not None:
        return {"simulator": msgspec.to_builtins(source.simulator)}
    path = _local_file(source)
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None  # training says what is wrong with it
    # The end of the name says how the content is read; where it lies does not matter.
    suffixes = [suffix for suffix in PurePosixPath(path.name.lower()).suffixes if suffix in _READERS]
    return {"file": digest, "suffixes": suffixes}


def _local_file(source: Source) -> Path | None:
    if source.file is None or not source.file.uri.startswith("file://"):
        return None
    return Path(unquote(urlsplit(source.file.uri).path))


def _training_spec(model: ChurnModel) -> dict[str, Any]:
    spec: dict[str, Any] = msgspec.to_builtins(model.spec)
    return {
        **_without(spec, *_NOT_OF_THE_MODEL),
        "data": _without(spec["data"], "source"),
        "training": _without(spec.get("training", {}), *_NOT_OF_THE_TRAINING),
    }


def _without(part: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in names}


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # one of xgboost's two distributions
            continue
    return found


def _code() -> str:
    digest = hashlib.sha256()
    for package in OURS:
        found = find_spec(package)  # imports nothing
        for folder in (found and found.submodule_search_locations) or ():
            for path in sorted(Path(folder).rglob("*.py")):
                digest.update(f"{package}/{path.relative_to(folder)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
