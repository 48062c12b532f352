"""Names of children are valid whatever the model is called."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from churnguard_core.names import revision_name
from churnguard_operator.names import (
    NAMESPACE_LENGTH,
    inference_service_name,
    job_name,
    predictor_name,
    prune_job_name,
    service_account_name,
)

MODELS = st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)
NUMBERS = st.integers(1, 10**9 - 1)
NAMESPACES = st.from_regex(rf"[a-z0-9]([-a-z0-9]{{0,{NAMESPACE_LENGTH - 2}}}[a-z0-9])?", fullmatch=True)
LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
KSERVE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@settings(deadline=None)
@given(model=MODELS, namespace=NAMESPACES, number=NUMBERS, attempt=st.integers(1, 11), template=st.text())
def test_every_name_is_a_valid_name_and_label(
    model: str, namespace: str, number: int, attempt: int, template: str
) -> None:
    revision = revision_name(model=model, number=number)
    name = inference_service_name(model=model, namespace=namespace, revision=revision, template=template)
    names = [
        job_name(revision=revision, attempt=attempt),
        name,
        predictor_name(name),
        prune_job_name(model=model, keep=[revision]),
        service_account_name(model),
    ]
    assert [each for each in names if not LABEL.fullmatch(each)] == []
    assert KSERVE.fullmatch(name)
    # KServe's own label of the predictor's pods, and the first label of its host name.
    assert len(f"isvc.{predictor_name(name)}") <= 63
    assert len(f"{predictor_name(name)}-{namespace}") <= 63


@settings(deadline=None)
@given(model=MODELS, number=NUMBERS)
def test_another_template_is_another_name_and_the_same_is_the_same(model: str, number: int) -> None:
    revision = revision_name(model=model, number=number)
    first = inference_service_name(model=model, namespace="n", revision=revision, template={"a": 1, "b": 2})
    assert first == inference_service_name(
        model=model, namespace="n", revision=revision, template={"b": 2, "a": 1}
    )
    assert first != inference_service_name(
        model=model, namespace="n", revision=revision, template={"a": 2, "b": 2}
    )


def test_a_short_name_is_the_revision_and_five_characters() -> None:
    name = inference_service_name(model="telco", namespace="retention", revision="telco-r7", template={})
    assert re.fullmatch(r"telco-r7-[0-9a-z]{5}", name)


def test_models_that_are_cut_to_the_same_letters_have_names_of_their_own() -> None:
    names = {
        inference_service_name(model=model, namespace="n", revision=f"{model}-r123456789", template={})
        for model in ("a" * 39 + "b", "a" * 39 + "c")
    }
    assert len(names) == 2
