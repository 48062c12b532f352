"""``churnguard-train prune`` as the operator's Job starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from churnguard_storage import MANIFEST, BundleStore, Credentials, open_store

DIGEST = "0a1b2c3d4e5f"
OWN = [f"retention/telco/telco-r{number}-{DIGEST}" for number in (1, 2, 3, 10)]
OTHERS = [f"retention/telco-2/telco-2-r1-{DIGEST}", f"shop/telco/telco-r1-{DIGEST}"]

Prune = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    """Bundles of the model and of others."""
    opened = open_store((tmp_path / "store").as_uri(), credentials=Credentials())
    for path in [*OWN, *OTHERS]:
        opened.put(path, {MANIFEST: b"{}"})
    return opened


@pytest.fixture
def prune(store: BundleStore, environment: dict[str, str]) -> Prune:
    def run(*keep: str, uri: str = store.uri) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "churnguard_training", "prune", "--store", uri]
        command += ["--model", "retention/telco", *(f"--keep={name}" for name in keep)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    return run


def test_pruning_keeps_what_is_named_deletes_the_rest_and_says_which(
    store: BundleStore, prune: Prune
) -> None:
    done = prune(f"telco-r10-{DIGEST}", f"telco-r2-{DIGEST}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"deleted {OWN[0]}", f"deleted {OWN[2]}"]
    assert store.list("") == tuple(sorted([OWN[1], OWN[3], *OTHERS]))


@pytest.mark.parametrize("keep", [(), ("telco-r2",)], ids=["nothing", "a name without digest"])
def test_a_slip_in_what_is_kept_is_refused_and_deletes_nothing(
    store: BundleStore, prune: Prune, keep: tuple[str, ...]
) -> None:
    refused = prune(*keep)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "hint: " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert store.list("") == tuple(sorted([*OWN, *OTHERS]))


def test_a_store_that_cannot_be_used_is_refused_in_words(prune: Prune) -> None:
    refused = prune(f"telco-r2-{DIGEST}", uri="pvc://nowhere/bundles")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "the claim of pvc://nowhere/bundles is not mounted\n"
        "hint: the PersistentVolumeClaim must exist in the ChurnModel's namespace\n"
    )
