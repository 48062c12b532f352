from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.names import bundle_path
from churnguard_storage import MANIFEST, BundleStore, Credentials, open_store
from churnguard_training.errors import Refused
from churnguard_training.prune import bundles_to_delete, prune, prune_all

MODEL = "retention/telco"
DIGEST = "0a1b2c3d4e5f"
FILES = {MANIFEST: b"{}", "model.json": b"[]"}
NOW = datetime.now(UTC)


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    """A folder; what every kind of store does alike is proven where stores live."""
    return open_store(tmp_path.as_uri(), credentials=Credentials())


def names(*numbers: int, model: str = "telco") -> list[str]:
    return [f"{model}-r{number}-{DIGEST}" for number in numbers]


def paths(*numbers: int) -> list[str]:
    return [f"{MODEL}/{name}" for name in names(*numbers)]


bundles = st.builds(
    bundle_path,
    namespace=st.sampled_from(["retention", "other"]),
    model=st.just("telco"),
    revision=st.integers(1, 30).map(lambda number: f"telco-r{number}"),
    digest=st.sampled_from([f"sha256:{DIGEST}{'0' * 52}", f"sha256:{'f' * 64}"]),
)


@given(st.lists(bundles, unique=True), st.data())
def test_every_bundle_of_the_model_is_either_kept_or_deleted(found: list[str], data: st.DataObject) -> None:
    own = [path for path in found if path.startswith(f"{MODEL}/")]
    kept = data.draw(st.lists(st.sampled_from(own), unique=True)) if own else []
    keep = [path.rpartition("/")[2] for path in kept]
    deleted = bundles_to_delete(model=MODEL, paths=found, keep=keep)
    assert set(deleted) == set(own) - set(kept)
    assert not set(deleted) & (set(found) - set(own))


@pytest.mark.parametrize(
    "path",
    [
        "retention/telco/notes",
        "retention/telco/telco-r7",
        "retention/telco/telco-r7-0a1b2c3d4e5",
        "retention/telco/telco-r7-0A1B2C3D4E5F",
        "retention/telco/telco-r07-0a1b2c3d4e5f",
        "retention/telco/shop-r7-0a1b2c3d4e5f",
        "retention/telco/a/telco-r7-0a1b2c3d4e5f",
        "retention/telco-2/telco-r7-0a1b2c3d4e5f",
        "retention/shop/telco-r7-0a1b2c3d4e5f",
        "a/retention/telco/telco-r7-0a1b2c3d4e5f",
        "telco-r7-0a1b2c3d4e5f",
        "retention/telco/telco-r7-0a1b2c3d4e5f\n",
        "retention/telco/telco-r7-0a1b2c3d4e5f/",
    ],
)
def test_what_is_no_bundle_of_the_model_is_never_chosen(path: str) -> None:
    assert bundles_to_delete(model=MODEL, paths=[path], keep=[]) == ()


def test_pruning_keeps_the_kept_and_what_is_not_the_models(store: BundleStore) -> None:
    others = [
        f"retention/shop/{names(1, model='shop')[0]}",
        "retention/telco/imported",
        f"retention/telco-2/{names(1, model='telco-2')[0]}",
    ]
    for path in [*paths(1, 2, 3, 10), *others]:
        store.put(path, FILES)
    pruned = prune(store, model=MODEL, keep=names(2, 10), now=NOW)
    assert pruned.bundles == tuple(paths(1, 3))
    assert pruned.leftovers == ()
    assert store.list("") == tuple(sorted([*paths(2, 10), *others]))
    assert store.get(paths(2)[0]) == FILES
    assert prune(store, model=MODEL, keep=names(2, 10), now=NOW).bundles == ()


def test_keeping_nothing_is_refused_unless_all_of_a_model_shall_go(store: BundleStore) -> None:
    store.put(paths(1)[0], FILES)
    with pytest.raises(Refused, match="nothing is kept") as caught:
        prune(store, model=MODEL, keep=[], now=NOW)
    assert caught.value.reason == "InvalidSpec"
    assert store.list("") == tuple(paths(1))
    assert prune_all(store, model=MODEL, now=NOW).bundles == tuple(paths(1))
    assert store.list("") == ()


@pytest.mark.parametrize(
    ("model", "keep", "wrong"),
    [
        (MODEL, ["telco-r1", *names(2), "retention/telco/telco-r3-0a1b2c3d4e5f"], 2),
        (MODEL, names(1, model="shop"), 1),
        (MODEL, [*names(1), ""], 1),
        ("telco", names(1), 1),
        ("", names(1), 1),
        ("../telco", names(1), 1),
        ("retention/telco/x", names(1), 1),
    ],
)
def test_a_slip_in_what_is_kept_deletes_nothing(
    store: BundleStore, model: str, keep: list[str], wrong: int
) -> None:
    store.put(paths(1)[0], FILES)
    with pytest.raises(Refused) as caught:
        prune(store, model=model, keep=keep, now=NOW)
    assert len(caught.value.problems) == wrong
    assert store.list("") == tuple(paths(1))


def test_all_of_a_malformed_model_is_nothing(store: BundleStore) -> None:
    with pytest.raises(Refused, match="is no NAMESPACE/NAME"):
        prune_all(store, model="*", now=NOW + timedelta(days=9))
