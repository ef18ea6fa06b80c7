"""The broker's own settings: one node that is broker and controller, on loopback only."""

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

HOST = "127.0.0.1"
NODE_ID = 1


class Secured(NamedTuple):
    """Listeners by security protocol, beside the one in the clear, and what they need."""

    ports: Sequence[tuple[str, int]]
    properties: Mapping[str, str]


NOT_SECURED = Secured((), {})


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now; all are held at once, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def is_free(port: int) -> bool:
    """Say whether nobody listens on this port now."""
    with socket.socket() as one:
        # As a server would: the remains of closed connections do not count.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return False
    return True


def server_properties(
    data: Path,
    port: int,
    controller_port: int,
    max_message_bytes: int,
    secured: Secured = NOT_SECURED,
) -> str:
    """Write the properties file of a single node.

    Args:
        data: where the logs lie.
        port: the port of clients.
        controller_port: the port on which the node talks to itself.
        max_message_bytes: the largest batch the broker takes, in bytes.
        secured: the doors besides the open one.
    """
    clients = [f"{name}://{HOST}:{at}" for name, at in [("PLAINTEXT", port), *secured.ports]]
    values = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "listeners": ",".join([*clients, f"CONTROLLER://{HOST}:{controller_port}"]),
        "advertised.listeners": ",".join(clients),
        "controller.listener.names": "CONTROLLER",
        # Kafka guesses it, but only while no listener is secured.
        "listener.security.protocol.map": ",".join(
            ["CONTROLLER:PLAINTEXT", "PLAINTEXT:PLAINTEXT", *(f"{n}:{n}" for n, _ in secured.ports)]
        ),
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "log.dirs": data / "logs",
        # A topic that nobody created is a mistake that should be seen.
        "auto.create.topics.enable": "false",
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Fewer partitions of the two internal topics: fewer files, a quicker start.
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 4,
        # Nobody else will join in the first seconds: do not wait for them.
        "group.initial.rebalance.delay.ms": 0,
        # Tests kill members and must not wait long until the group notices.
        "group.min.session.timeout.ms": 1000,
        "message.max.bytes": max_message_bytes,
        "replica.fetch.max.bytes": max_message_bytes,
        "socket.request.max.bytes": max(104_857_600, 2 * max_message_bytes),
        "log.retention.hours": -1,
        "log.cleaner.dedupe.buffer.size": 16_777_216,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
        **secured.properties,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())
