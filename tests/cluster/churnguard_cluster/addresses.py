"""Addresses for pods that no node runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from churnguard_cluster.errors import ClusterError
from churnguard_cluster.namespace import Network


class Addresses:
    """Hands out each address once per cluster."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._answering = _all("10.250", range(1, 256))
        # The range for benchmarks, which no network routes: a probe of such a pod reaches nobody.
        self._silent = _all("198.18", range(256))

    def silent(self) -> str:
        """An address at which nobody answers."""
        return _next(self._silent)

    def answering(self) -> str:
        """An address of the rig, for a server of the test; UnsupportedError on the host's network."""
        address = _next(self._answering)
        self._network.add_address(address)
        return address


def _all(prefix: str, blocks: range) -> Iterator[str]:
    return (f"{prefix}.{block}.{last}" for block, last in itertools.product(blocks, range(1, 255)))


def _next(addresses: Iterator[str]) -> str:
    try:
        return next(addresses)
    except StopIteration:
        raise ClusterError("all addresses for pods of this cluster are handed out") from None
