from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from churnguard_cli.documents import InvalidYaml, read_documents
from churnguard_cli.models import find_models

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>?'\"#\n \t,<", max_size=80).map(str.encode))
def test_any_bytes_give_documents_or_problems(data: bytes) -> None:
    assert all(problem and "\n" not in problem for problem in problems_of(data))


def problems_of(data: bytes) -> tuple[str, ...]:
    try:
        read_documents(data)
    except InvalidYaml as invalid:
        return invalid.problems or ("",)
    return ()


@given(st.lists(VALUES, max_size=3))
def test_what_yaml_writes_is_read_back(values: list[object]) -> None:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, _: object) -> bool:
            return True

    text = yaml.dump_all(values, Dumper=Plain)
    assert read_documents(text.encode()) == [value for value in values if value is not None]


@given(VALUES)
def test_any_document_is_a_model_or_has_a_problem(value: object) -> None:
    found = find_models(yaml.safe_dump(value).encode(), name="any.yaml")
    assert found.problems
    assert not found.models


def test_all_duplicate_keys_are_reported_in_the_order_of_their_lines() -> None:
    with pytest.raises(InvalidYaml) as caught:
        read_documents(b"a: {x: 1, y: 2,\n x: 3}\nb: 1\nb: 2\nlist: [{z: 1,\n z: 2}]\n")
    assert caught.value.problems == (
        'line 2: key "x" is on line 1 already',
        'line 4: key "b" is on line 3 already',
        'line 6: key "z" is on line 5 already',
    )


def test_the_same_word_as_text_and_as_number_is_no_duplicate() -> None:
    assert read_documents(b'1: a\n"1": b\n') == [{1: "a", "1": "b"}]
