from __future__ import annotations

import churnguard_storage
from churnguard_storage import StorageError


def test_the_public_names_are_these() -> None:
    assert set(churnguard_storage.__all__) == {
        "MANIFEST",
        "BundleStore",
        "Credentials",
        "StorageError",
        "fetch",
        "open_store",
        "read_bundle",
        "read_credentials",
    }


def test_an_error_reads_as_its_message_every_problem_and_then_the_hint() -> None:
    error = StorageError(["key uri is no text", "key endpoint is too long"], hint="mend the Secret")
    assert str(error) == error.message
    assert error.message == "key uri is no text\nkey endpoint is too long\nhint: mend the Secret"
    assert (error.problems, error.hint) == (
        ("key uri is no text", "key endpoint is too long"),
        "mend the Secret",
    )
