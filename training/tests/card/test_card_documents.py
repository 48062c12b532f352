"""The documents of a bundle: names, plots, and what drawing must leave alone."""

from __future__ import annotations

import struct
from typing import Any

import matplotlib as mpl
import msgspec
import numpy as np
import pytest

from churnguard_core.card import CardData
from churnguard_scoring.columns import CategoricalColumn, Column, NumericColumn
from churnguard_scoring.encoder import Encoder, Missing, Value
from churnguard_scoring.models import Linear
from churnguard_scoring.scorer import Scorer, ScorerDefinition
from churnguard_training.card import card_documents
from churnguard_training.encoders import describe_features
from churnguard_training.judge import importance
from churnguard_training.table import Table

PLOTS = ("plots/calibration.png", "plots/deciles.png", "plots/reasons.png")
MOST_PLOT_BYTES = 150_000


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height, from the header of a PNG."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_a_card_has_text_data_and_three_plots(request_card: dict[str, Any]) -> None:
    documents = card_documents(**request_card)
    assert set(documents) == {"card.json", "card.md", *PLOTS}
    data = msgspec.json.decode(documents["card.json"], type=CardData)
    assert (data.revision, data.may_serve, data.plots) == ("telco-r2", True, PLOTS)
    assert [driver.feature for driver in data.drivers] == ["tenure", "Contract"]
    for name in PLOTS:
        assert f"]({name})" in documents["card.md"].decode()
        assert len(documents[name]) < MOST_PLOT_BYTES
        assert min(size_of(documents[name])) > 300


def test_the_same_arguments_give_the_same_bytes(request_card: dict[str, Any]) -> None:
    first = card_documents(**request_card)
    np.random.random(100)
    assert card_documents(**request_card) == first


def test_drawing_leaves_the_process_as_it_was(request_card: dict[str, Any]) -> None:
    import matplotlib.pyplot as plt

    mpl.rcParams["font.size"] = 17
    np.random.seed(5)
    expected = np.random.RandomState(5).random_sample(3)
    try:
        card_documents(**request_card)
        assert mpl.rcParams["font.size"] == 17
        assert plt.get_fignums() == []
        assert np.random.random_sample(3).tolist() == expected.tolist()
    finally:
        mpl.rcdefaults()


def test_settings_of_the_user_do_not_reach_the_plots(request_card: dict[str, Any]) -> None:
    plain = card_documents(**request_card)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 20}):
        assert card_documents(**request_card) == plain


def test_a_model_without_reasons_gets_a_card_without_their_plot(
    request_card: dict[str, Any], support_vector_machine: Scorer
) -> None:
    evaluation = msgspec.structs.replace(request_card["evaluation"], importance=())
    documents = card_documents(
        **{**request_card, "scorer": support_vector_machine, "algorithm": "SVM", "evaluation": evaluation}
    )
    assert set(documents) == {"card.json", "card.md", *PLOTS[:2]}
    data = msgspec.json.decode(documents["card.json"], type=CardData)
    assert data.starting_risk is None
    assert data.drivers == ()


@pytest.mark.parametrize(
    "name", ["$x_1$ \\frac", "顧客の契約", "😀" * 20, "x" * 500, "a\nb\tc", " "], ids=lambda name: name[:5]
)
@pytest.mark.parametrize("kind", ["number", "category"])
def test_odd_names_are_drawn(request_card: dict[str, Any], name: str, kind: str) -> None:
    codes = np.arange(60, dtype=np.int32) % 2
    column: Column = (
        NumericColumn(codes.astype(np.float64)) if kind == "number" else CategoricalColumn(codes, (name, "b"))
    )
    check_single_feature(request_card, name=name, column=column)


@pytest.mark.parametrize("rows", [1, 2, 60])
def test_a_feature_that_is_always_missing_is_drawn(request_card: dict[str, Any], rows: int) -> None:
    check_single_feature(request_card, name="empty", column=NumericColumn(np.full(rows, np.nan)))


def check_single_feature(request_card: dict[str, Any], *, name: str, column: Column) -> None:
    """A card of a model with this one feature; warnings are errors in this suite."""
    output = Missing(feature=name)
    known = Value(feature=name, fill=0.0) if isinstance(column, NumericColumn) else output
    definition = ScorerDefinition(
        features=describe_features({name: column}),
        encoder=Encoder(outputs=(output, known)),
        model=Linear(intercept=0.0, weights=[1.0, 0.5], means=[0.5, 0.2]),
    )
    scorer, rows = Scorer(definition), len(column)
    sample = Table(
        features={name: column},
        label=np.zeros(rows, dtype=np.uint8),
        groups=np.arange(rows, dtype=np.uint64),
        digest="sha256:0",
    )
    evaluation = msgspec.structs.replace(
        request_card["evaluation"], importance=importance(scorer, sample, seed=1)
    )
    documents = card_documents(
        **{**request_card, "evaluation": evaluation, "scorer": scorer, "sample": sample}
    )
    assert min(size_of(documents["plots/reasons.png"])) > 100
