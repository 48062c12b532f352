"""Which bundle ``up`` serves: the pinned one, the one that is there already, a newly trained one, or the champion."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from churnguard_cli import messages
from churnguard_cli.exits import GATES_FAILED, OK, REFUSED
from churnguard_cli.fingerprints import can_see, fingerprint_of
from churnguard_cli.memory import remembered, reusable
from churnguard_cli.report import print_reused
from churnguard_cli.store import Stored, champion_of, next_revision, stored_bundles
from churnguard_cli.training import Request, shown, train_and_report
from churnguard_core.churnmodel.types import ChurnModel


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The bundle to serve; None with the exit code that says why there is none."""

    code: int
    bundle: Stored | None = None


def pinned(model: ChurnModel, *, store: Path) -> Chosen | None:
    """The revision that ``spec.serving.revision`` names; None when it names none."""
    wanted = model.spec.serving.revision
    if wanted is None:
        return None
    stored = {bundle.revision: bundle for bundle in stored_bundles(store, model.metadata)}
    if wanted not in stored:
        there = ", ".join(stored) or "none"
        messages.error(f"spec.serving.revision: {wanted} is not in {shown(store)}; there are: {there}")
        return Chosen(code=REFUSED)
    messages.note(f"spec.serving.revision wants {wanted}: nothing is trained.")
    return Chosen(code=OK, bundle=stored[wanted])


def reuse_or_train(model: ChurnModel, *, store: Path) -> Chosen:
    """Take the bundle that training would leave once more, or train."""
    fingerprint = fingerprint_of(model)
    if fingerprint is None:
        return train_anew(model, store=store)
    stored = stored_bundles(store, model.metadata)
    champion = champion_of(stored)
    known = reusable(
        remembered(store, model.metadata), fingerprint=fingerprint, stored=stored, champion=champion
    )
    if known is None:
        return train_anew(model, store=store)
    print_reused(known, folder=shown(known.path))
    return Chosen(code=OK, bundle=known) if known.may_serve else _instead_of(known.path, champion=champion)


def train_anew(model: ChurnModel, *, store: Path) -> Chosen:
    """Train, and take what it leaves if its gates hold."""
    champion = champion_of(stored_bundles(store, model.metadata))
    if champion is not None and not can_see(model.spec.data.source):
        messages.note("Whether the customers changed cannot be seen from here: training again.")
    revision = next_revision(store, model.metadata)
    outcome = train_and_report(Request(model=model, revision=revision, store=store, champion=champion))
    if outcome.bundle is None:
        return Chosen(code=outcome.code)
    if outcome.code != OK:
        return _instead_of(outcome.bundle, champion=champion)
    trained = {bundle.path.name: bundle for bundle in stored_bundles(store, model.metadata)}
    return Chosen(code=OK, bundle=trained[outcome.bundle.name])


def _instead_of(rejected: Path, *, champion: Stored | None) -> Chosen:
    if champion is None:
        messages.error("nothing is served: a gate failed, and there is no earlier revision whose gates held")
        shows = f"churnguard bundle show {shlex.quote(str(shown(rejected)))}"
        messages.hint(f"bring better data, or lower the gate in the file; the model card says more: {shows}")
        return Chosen(code=GATES_FAILED)
    revision = rejected.name.rpartition("-")[0]
    messages.warning(
        f"{revision} is not served, because a gate failed; {champion.revision} is: the newest whose gates held"
    )
    return Chosen(code=OK, bundle=champion)
