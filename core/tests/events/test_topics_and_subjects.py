from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churnguard_core.events.subjects import SubjectKey, group_subject_of, subject_of
from churnguard_core.events.topics import murmur2, partition_of, record_key

KEY = SubjectKey(version=1, secret=b"0123456789abcdef" * 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_that_of_kafkas_java_clients(text: str, expected: int) -> None:
    # The vectors are those of Kafka's own test of it; Java's numbers have a sign.
    assert murmur2(text.encode()) == expected % 2**32


@given(key=st.binary(max_size=40), partitions=st.integers(1, 64))
def test_a_key_has_one_partition_that_exists(key: bytes, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions=partitions) < partitions


def test_a_hash_with_its_highest_bit_set_loses_it_as_in_java() -> None:
    assert partition_of(b"21", partitions=10) == (-973932308 & 0x7FFFFFFF) % 10


def test_the_key_of_a_record_names_workspace_and_subject() -> None:
    assert record_key(workspace="demo", subject="k1_ab") == b"demo:k1_ab"


def test_subjects_never_change() -> None:
    assert subject_of("u_42", key=KEY) == "k1_06aa0edfac9440918820132bbcf7c513"
    assert group_subject_of("u_42", key=KEY) == "k1_c733d228ed3c40af0e639df62c82decc"


def test_another_secret_version_or_purpose_is_another_subject() -> None:
    others = {
        subject_of("u_42", key=KEY),
        subject_of("u_42", key=SubjectKey(version=2, secret=KEY.secret)),
        subject_of("u_42", key=SubjectKey(version=1, secret=KEY.secret[::-1])),
        group_subject_of("u_42", key=KEY),
        subject_of("u_43", key=KEY),
    }
    assert len(others) == 5


@pytest.mark.parametrize(("version", "secret"), [(0, b"x" * 32), (1, b"x" * 31), (1, b"x" * 65)])
def test_a_weak_key_is_refused(version: int, secret: bytes) -> None:
    with pytest.raises(ValueError, match=r"bytes|count"):
        SubjectKey(version=version, secret=secret)


def test_a_key_is_not_shown_by_accident() -> None:
    assert "0123" not in repr(KEY)
