"""A machine on which no node can run is told all that is missing, and how to get it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from churnguard_cluster.errors import ClusterError, MissingToolError, UnsupportedError
from churnguard_cluster.node import mounts, requirements

PACKAGES = Path(__file__).parent / "node-packages.txt"


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UnsupportedError, match="a real node needs root"):
        requirements.check_node()


def test_everything_missing_is_named_at_once_with_its_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "search_path", lambda: str(tmp_path))
    monkeypatch.setattr(requirements, "CNI_FOLDERS", (tmp_path,))
    with pytest.raises(MissingToolError) as refused:
        requirements.check_node()
    message = str(refused.value)
    for name in ("runc", "ctr", "host-local", "catatonit"):
        assert name in message
    assert "apt-get install" in message
    assert "containernetworking-plugins" in message


def test_the_list_of_packages_has_all_that_are_asked_for() -> None:
    asked = {*requirements.NODE_PROGRAMS.values(), *requirements.IMAGE_PROGRAMS.values()}
    assert set(PACKAGES.read_text().split()) == asked | {"containernetworking-plugins"}


@pytest.mark.parametrize("place", mounts.COVERED)
def test_a_folder_that_the_node_could_not_see_is_refused(place: str) -> None:
    with pytest.raises(ClusterError, match="CHURNGUARD_STATE"):
        mounts.check_visible(Path(place) / "state")
