"""Fixtures of tests on a real cluster, one per session; a pytest plugin.

Which cluster that is, the environment says: ``CHURNGUARD_TEST_CLUSTER=existing`` takes the one of ``KUBECONFIG``; else
one is started, at the level in ``CHURNGUARD_TEST_LEVEL`` (``apiserver`` by default, or ``node``).

The client library takes long to import, and this plugin is loaded in every session, so the rest of the package is
imported when a test asks for a cluster.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import pytest

from churnguard_cluster.errors import ClusterError, MissingToolError, UnsupportedError

if TYPE_CHECKING:
    from churnguard_cluster.cluster import Cluster
    from churnguard_cluster.existing import ExistingCluster
    from churnguard_cluster.node.node import Node
    from churnguard_cluster.objects import Objects
    from churnguard_cluster.player import Player

    AnyCluster: TypeAlias = Cluster | ExistingCluster

Found = TypeVar("Found")

WHICH: Final = "CHURNGUARD_TEST_CLUSTER"
LEVEL: Final = "CHURNGUARD_TEST_LEVEL"
REPOSITORY: Final = Path(__file__).parents[3]
DUMPS: Final = REPOSITORY / "build" / "cluster-dumps"
CLUSTER_KEY: Final = pytest.StashKey[Any]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "restricted: the test's namespace enforces the Pod Security level restricted"
    )


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[AnyCluster]:
    """The cluster of this session; ``cluster.kubeconfig`` is the administrator's way in."""
    found = or_skip(_cluster)
    pytestconfig.stash[CLUSTER_KEY] = found
    yield found
    found.stop()


@pytest.fixture(scope="session")
def node(cluster: AnyCluster) -> Node:
    """The real node of the cluster; the test is skipped where there is none of ours."""
    if cluster.node is None:
        pytest.skip("needs the rig's own node, see `make test-cluster`")
    return cluster.node


@pytest.fixture(scope="session")
def kube(cluster: AnyCluster) -> Any:
    """The official client (``kubernetes.client.ApiClient``), logged in as administrator."""
    return cluster.kube


@pytest.fixture(scope="session")
def objects(kube: Any) -> Objects:
    """Objects of any kind as plain documents."""
    from churnguard_cluster.objects import Objects

    return Objects(kube)


@pytest.fixture(scope="session")
def definitions(kube: Any) -> list[str]:
    """Names of our own custom resource definitions, which the cluster serves from here on."""
    from churnguard_cluster.cluster import OWN_DEFINITIONS
    from churnguard_cluster.crds import apply_crds

    return apply_crds(kube, *OWN_DEFINITIONS)


@pytest.fixture(scope="session")
def kserve(cluster: AnyCluster) -> None:
    """The KServe controller runs."""
    or_skip(cluster.require_kserve)


@pytest.fixture
def namespace(request: pytest.FixtureRequest, cluster: AnyCluster) -> Iterator[str]:
    """Name of a namespace of this test's own, where pods can be made."""
    from churnguard_cluster import namespaces

    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_")).strip("-")
    # Short, because KServe puts the names of service and namespace into one label of a host name.
    name = f"{words[:20].strip('-')}-{secrets.token_hex(3)}"
    is_restricted = request.node.get_closest_marker("restricted") is not None
    labels = namespaces.RESTRICTED if is_restricted else {}
    namespaces.create(cluster.kube, name, labels=labels)
    yield name
    namespaces.delete(cluster.kube, name)


@pytest.fixture
def player(cluster: AnyCluster, namespace: str) -> Player:
    """Decides the fate of the pods in the test's namespace; the test is skipped where pods are real."""
    return or_skip(lambda: cluster.player(namespace))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to the report of a failed test what the cluster looked like."""
    report = yield
    name = getattr(item, "funcargs", {}).get("namespace")
    cluster = item.config.stash.get(CLUSTER_KEY, None)
    if report.failed and report.when in ("setup", "call") and name and cluster is not None:
        report.sections.append(("cluster", _dumped(cluster, namespace=name, test=item.nodeid)))
    return report


def _dumped(cluster: AnyCluster, *, namespace: str, test: str) -> str:
    from churnguard_cluster.dump import dump

    folder = DUMPS / re.sub(r"[^\w.-]+", "-", test)
    try:
        return dump(cluster.kube, namespace=namespace, folder=folder, logs=cluster.logs)
    except Exception as error:  # the test's own failure must be told first, even by a cluster that is gone
        return f"the cluster could not be asked: {error!r}"


def _cluster() -> AnyCluster:
    if os.environ.get(WHICH) == "existing":
        from churnguard_cluster.existing import ExistingCluster

        return ExistingCluster.named_by_environment()
    from churnguard_cluster.cluster import Cluster, Level

    level = Level(os.environ.get(LEVEL) or Level.APISERVER)
    return Cluster.start(name=f"test-{os.getpid()}-{secrets.token_hex(2)}", level=level)


def or_skip(function: Callable[[], Found]) -> Found:
    """What the function returns; skips the test when the cluster, or the machine, has no such thing."""
    try:
        return function()
    except (MissingToolError, UnsupportedError) as error:
        pytest.skip(str(error))
    except ClusterError as error:
        pytest.fail(str(error), pytrace=False)
