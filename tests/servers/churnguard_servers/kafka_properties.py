"""The settings of a broker that tests start."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from churnguard_servers.kafka_security import Secrets


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where a broker listens: for tests, for users, for the other brokers' controllers."""

    plain: int
    secure: int
    controller: int

    @classmethod
    def free(cls) -> Ports:
        """Ports of loopback on which nothing listens."""
        with contextlib.ExitStack() as stack:
            probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
            plain, secure, controller = (int(probe.getsockname()[1]) for probe in probes)
        return cls(plain=plain, secure=secure, controller=controller)


def properties(
    number: int, *, ports: Mapping[int, Ports], folder: Path, secrets: Secrets
) -> dict[str, object]:
    """Settings of one of the brokers that have these ports."""
    own, copies = ports[number], len(ports)
    voters = [f"{each}@127.0.0.1:{of.controller}" for each, of in ports.items()]
    users = f"PLAIN://127.0.0.1:{own.plain},SECURE://127.0.0.1:{own.secure}"
    return {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": ",".join(voters),
        "listeners": f"{users},CONTROLLER://127.0.0.1:{own.controller}",
        "advertised.listeners": users,
        "listener.security.protocol.map": "PLAIN:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAIN",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": folder / "data",
        **_security(secrets),
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        "min.insync.replicas": copies // 2 + 1,
        "default.replication.factor": copies,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 2,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": copies // 2 + 1,
        "transaction.state.log.num.partitions": 2,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": copies // 2 + 1,
        "share.coordinator.state.topic.num.partitions": 2,
        "group.initial.rebalance.delay.ms": 0,
        # A killed broker is missed sooner than by default.
        "broker.heartbeat.interval.ms": 1000,
        "broker.session.timeout.ms": 5000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 2 * 1024 * 1024,
    }


def _security(secrets: Secrets) -> dict[str, object]:
    secure = "listener.name.secure"
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # Whoever comes by a listener without log-in: the tests and the brokers.
        "super.users": "User:ANONYMOUS",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{secure}.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        f"{secure}.ssl.keystore.type": "PEM",
        f"{secure}.ssl.keystore.location": secrets.key_store,
    }
