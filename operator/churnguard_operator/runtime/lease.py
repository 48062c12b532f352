"""One of several replicas works: the one that holds the Lease.

    not held, or released, or not renewed for 15 s  ->  whoever is first takes it
    held by me                                      ->  renewed every 2 s
    not renewed by me for 10 s                      ->  I stop: before others take it
    I end                                           ->  released, so that the next one needs no patience

Whether a holder is gone is told by the time since a renewal was *seen*, by a clock that never goes back: clocks of
machines differ. Should two work for a moment all the same, they do no harm: what they write is the same, and a status
is written on the version that was seen.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from churnguard_operator.cluster.errors import ClusterError, ConflictError, NotFoundError
from churnguard_operator.cluster.protocol import Cluster
from churnguard_operator.cluster.resources import LEASE
from churnguard_operator.observed import Document
from churnguard_operator.views.fields import mapping, number, text

logger = logging.getLogger("churnguard.operator.lease")

DURATION_SECONDS: Final = 15
RENEW_DEADLINE_SECONDS: Final = 10.0
PERIOD_SECONDS: Final = 2.0
TRY_SECONDS: Final = 5.0


class LostLeaseError(Exception):
    """The Lease could not be renewed in time: somebody else may work now."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A Lease as it was seen, and since when it has not changed."""

    holder: str
    version: str
    since: float


class Lease:
    """The right to work.

    Args:
        cluster: Where the Lease is.
        namespace: Its namespace.
        name: Its name.
        identity: This process, unlike any other.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._sight: Sight | None = None
        self._is_held = False

    async def acquire(self) -> None:
        """Returns when the Lease is held."""
        while not await self._try():
            await asyncio.sleep(PERIOD_SECONDS)  # between two looks
        self._is_held = True
        logger.info("leads", extra={"identity": self._identity})

    async def hold(self) -> None:
        """Renews the Lease for ever; LostLeaseError when it is not to be kept."""
        renewed = self._clock()
        while self._clock() - renewed < RENEW_DEADLINE_SECONDS:
            await asyncio.sleep(PERIOD_SECONDS)  # between two renewals
            if await self._try():
                renewed = self._clock()
            elif self._sight is not None and self._sight.holder not in ("", self._identity):
                break
        self._is_held = False
        raise LostLeaseError(f"Lease {self._namespace}/{self._name} is lost")

    async def release(self) -> None:
        """Let the next one have it; nothing happens when it is not held."""
        if not self._is_held:
            return
        self._is_held = False
        try:
            async with asyncio.timeout(TRY_SECONDS):
                found = await self._cluster.get(LEASE, namespace=self._namespace, name=self._name)
                if text(found, "spec", "holderIdentity") == self._identity:
                    await self._cluster.replace(LEASE, released(found))
        except (ClusterError, TimeoutError) as error:
            logger.warning("lease not released: %s", error)

    async def _try(self) -> bool:
        """Whether the Lease is held now, taken or renewed."""
        try:
            async with asyncio.timeout(TRY_SECONDS):
                return await self._take_or_renew()
        except ConflictError:
            # Somebody else was faster.
            return False
        except (ClusterError, TimeoutError) as error:
            logger.warning("lease: %s", error or "no answer in time")
            return False

    async def _take_or_renew(self) -> bool:
        now = datetime.now(UTC)
        try:
            found = await self._cluster.get(LEASE, namespace=self._namespace, name=self._name)
        except NotFoundError:
            fresh = {
                "apiVersion": LEASE.api_version,
                "kind": LEASE.kind,
                "metadata": {"name": self._name, "namespace": self._namespace},
            }
            await self._cluster.create(LEASE, held(fresh, identity=self._identity, now=now))
            return True
        sight = self._look(found)
        is_free = sight.holder in ("", self._identity) or self._clock() - sight.since > DURATION_SECONDS
        if not is_free:
            return False
        self._look(await self._cluster.replace(LEASE, held(found, identity=self._identity, now=now)))
        return True

    def _look(self, found: Document) -> Sight:
        holder, version = text(found, "spec", "holderIdentity"), text(found, "metadata", "resourceVersion")
        if self._sight is None or self._sight.version != version:
            self._sight = Sight(holder=holder, version=version, since=self._clock())
        return self._sight


def held(lease: Document, *, identity: str, now: datetime) -> Document:
    """The Lease, taken or renewed."""
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = mapping(lease, "spec")
    is_mine = spec.get("holderIdentity") == identity
    return {
        **lease,
        "spec": {
            **spec,
            "holderIdentity": identity,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": spec.get("acquireTime", stamp) if is_mine else stamp,
            "renewTime": stamp,
            "leaseTransitions": number(lease, "spec", "leaseTransitions") + (0 if is_mine else 1),
        },
    }


def released(lease: Document) -> Document:
    """The Lease, held by nobody."""
    return {**lease, "spec": {**mapping(lease, "spec"), "holderIdentity": ""}}
