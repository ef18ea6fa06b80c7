"""The systems: how each is started, and where its decisions go."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.cluster import Cluster
from benchmarks.ours import Ours
from benchmarks.processes import ROOT, Running, spawn
from benchmarks.setup import PEER_PYTHON, kafka_streams_classpath
from stream_app.local_kafka.jars import java

PEERS = Path(__file__).parent / "peers"


EACH_HOP = "cg-trans-03, a process a hop"
"""As a cluster runs it."""


class System(Protocol):
    """Something that finds the claims in scope and decides them."""

    @property
    def name(self) -> str: ...

    @property
    def must_be_right(self) -> bool:
        """Whether wrong work fails the run, or is only told."""
        ...

    def start(self, cluster: Cluster, claims: str, history: str, partitions: int) -> Running:
        """Start it on a topic of claims."""
        ...


class Peer(Struct, frozen=True):
    """A peer: a program that takes the same five arguments as all others.

    Attributes:
        name: how the results call it.
        command: what is run, before the arguments.
        quiet_seconds: see `Running`.
        loads_first: whether it fills its table in a run of its own, before the claims.
        must_be_right: whether wrong work fails the run, or is only told.
        environment: what it is told besides.
    """

    name: str
    command: Callable[[], list[str]]
    quiet_seconds: float = 15.0
    loads_first: bool = False
    must_be_right: bool = True
    environment: Mapping[str, str] = {}

    def start(self, cluster: Cluster, claims: str, history: str, partitions: int) -> Running:
        """Start it, once its table is filled."""
        group = f"{self.name.replace(' ', '-')}-{uuid4().hex[:8]}"
        output = f"out-{group}"
        cluster.create_outputs([output])
        arguments = [cluster.servers, claims, history, output, group]
        if self.loads_first:
            spawn([*self.command(), *arguments, "load"], f"{group}-load").wait()
        process = spawn([*self.command(), *arguments], group, self.environment)
        return Running([process], [output], group, self.quiet_seconds, [output])


def _python(script: str, *options: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, str(PEERS / script), *options]


def _quix(script: str) -> Callable[[], list[str]]:
    return lambda: [str(PEER_PYTHON), str(PEERS / script)]


def _kafka_streams() -> list[str]:
    jvm = ["-Xmx1g", "-XX:+UseParallelGC", "-cp", kafka_streams_classpath()]
    return [java(), *jvm, "ClaimFilter"]


SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        Ours(),
        Ours("cg-trans-03 plain scan", {"scan": "plain"}),
        Ours("cg-trans-03, two workers", workers=2),
        Ours(EACH_HOP, roles=("--role scope", "--role adjudicate")),
        Peer("confluent-kafka prefilter", _python("confluent_loop.py")),
        Peer("aiokafka prefilter", _python("aiokafka_loop.py", "prefilter")),
        Peer("aiokafka full decode", _python("aiokafka_loop.py", "decode")),
        Peer("Kafka Streams", _kafka_streams),
        Peer("Quix Streams", _quix("quix_streams.py")),
        Peer(
            "Quix Streams same rules",
            _quix("quix_same_rules.py"),
            environment={"PYTHONPATH": str(ROOT)},
        ),
        # Known to lose the first claims after a start with a table, and to commit short.
        Peer(
            "plain Faust",
            _python("faust_agent.py"),
            quiet_seconds=20.0,
            loads_first=True,
            must_be_right=False,
        ),
    )
}


def prompt(system: System) -> System:
    """The same, told to send each decision at once: throughput is not what is asked for."""
    return replace(system, environment={"LINGER_MS": "0"}) if isinstance(system, Peer) else system
