from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.names import bundle_path, revision_name, revision_number

MODELS = st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)


@given(model=MODELS, number=st.integers(1, 10**9 - 1))
def test_a_revision_name_leads_back_to_its_number(model: str, number: int) -> None:
    assert revision_number(revision_name(model=model, number=number)) == number


def test_a_model_may_itself_look_like_a_revision() -> None:
    assert revision_name(model="telco-r5", number=7) == "telco-r5-r7"
    assert revision_number("telco-r5-r7") == 7


@pytest.mark.parametrize(
    "text",
    [
        *("", "telco", "telco-7", "telco-r", "telco-r0", "telco-r07", "telco-r-1", "telco-r7\n", " telco-r7"),
        *(
            "Telco-r7",
            "7-r7",
            "-r7",
            "telco--r",
            "telco-r7-r",
            "telco-r١",
            "telco-r1000000000",
            "telco-r7/..",
        ),
    ],
)
def test_other_texts_are_no_revision_names(text: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape(repr(text)) + " is no revision name; expected .* telco-r7"
    ):
        revision_number(text)


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_bundle_lies_under_namespace_and_model_with_its_digest_in_its_name(prefix: str) -> None:
    digest = prefix + "0123456789abcdef" * 4
    path = bundle_path(namespace="retention", model="telco", revision="telco-r7", digest=digest)
    assert path == "retention/telco/telco-r7-0123456789ab"
