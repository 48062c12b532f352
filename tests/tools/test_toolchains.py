"""Which lines of the lock bring a tool chain."""

from __future__ import annotations

import pytest
from provision.errors import ToolError
from provision.toolchains import LOCK, TOOLCHAINS, locked

TWO = "# why\nship==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nship-sails==2.0 \\\n    --hash=sha256:cc\n"


def test_a_package_is_installed_by_its_own_hashes() -> None:
    assert locked(package="ship", lock=TWO) == (
        "ship==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    )
    assert locked(package="ship-sails", lock=TWO) == "ship-sails==2.0 \\\n    --hash=sha256:cc\n"


def test_a_package_that_nobody_pinned_is_refused() -> None:
    with pytest.raises(ToolError, match="no line pins sails"):
        locked(package="sails", lock=TWO)


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_every_tool_chain_is_pinned_by_hash(name: str) -> None:
    version, *hashes = locked(package=TOOLCHAINS[name].package, lock=LOCK.read_text()).splitlines()
    assert version.startswith(f"{TOOLCHAINS[name].package}==")
    assert hashes
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)


def test_the_lock_names_no_address() -> None:
    assert "://" not in LOCK.read_text()
