"""The systems: how each is started, and where its decisions go."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from msgspec import Struct, field

from benchmarks.claims import MEMBERS
from benchmarks.cluster import Cluster
from benchmarks.setup import CACHE, PEER_PYTHON, kafka_streams_classpath
from stream_app.local_kafka.jars import java

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).parent / "peers"
_STOP_SECONDS = 30.0


class Running(Struct):
    """A system at work."""

    process: subprocess.Popen[bytes]
    outputs: list[str]
    group: str
    """Which commits its progress on the claims."""
    quiet_seconds: float = 15.0
    """How long without an output until it is taken to be through."""
    topics: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """End it: by SIGTERM, by force if it lingers."""
        if self.alive:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class System(Protocol):
    """Something that finds the claims in scope and decides them."""

    @property
    def name(self) -> str: ...

    @property
    def must_be_right(self) -> bool:
        """Whether wrong work fails the run, or is only told."""
        ...

    def start(self, cluster: Cluster, claims: str, history: str, partitions: int) -> Running:
        """Start it on a topic of claims that is full already."""
        ...


class Peer(Struct, frozen=True):
    """A peer: a program that takes the same five arguments as all others.

    Attributes:
        name: how the results call it.
        command: what is run, before the arguments.
        quiet_seconds: see `Running`.
        loads_first: whether it fills its table in a run of its own, before the claims.
        must_be_right: whether wrong work fails the run, or is only told.
    """

    name: str
    command: Callable[[], list[str]]
    quiet_seconds: float = 15.0
    loads_first: bool = False
    must_be_right: bool = True

    def start(self, cluster: Cluster, claims: str, history: str, partitions: int) -> Running:
        """Start it, once its table is filled."""
        group = f"{self.name.replace(' ', '-')}-{uuid4().hex[:8]}"
        output = f"out-{group}"
        cluster.create_outputs([output])
        arguments = [cluster.servers, claims, history, output, group]
        if self.loads_first:
            loading = _spawn([*self.command(), *arguments, "load"], f"{group}-load")
            loading.wait()
        return Running(
            _spawn([*self.command(), *arguments], group),
            [output],
            group,
            self.quiet_seconds,
            [output],
        )


class Ours(Struct, frozen=True):
    """The service itself, as its users start it, with everything on.

    Attributes:
        name: how the results call it.
        settings: besides those that name topics and groups.
        must_be_right: always.
    """

    name: str = "cg-trans-03"
    settings: Mapping[str, str] = {}
    must_be_right: bool = True

    def start(self, cluster: Cluster, claims: str, history: str, partitions: int) -> Running:
        """Bring the history into its table first, on a claims topic without claims."""
        word = f"ours-{uuid4().hex[:8]}"
        empty = f"{word}-no-claims"
        cluster.create_inbound(empty, partitions)
        base = {
            "bootstrap_servers": cluster.servers,
            "history_in_topic": history,
            "partitions": str(partitions),
            "replication_factor": "1",
            "scope_group": f"{word}-scope",
            "adjudicate_group": f"{word}-adjudicate",
            "metrics_port": "0",
            "log_level": "INFO",
            **{
                f"{topic}_topic": f"{word}-{topic.replace('_', '-')}"
                for topic in ("in_scope", "history", "approve", "deny", "pend", "dead_letter")
            },
            **self.settings,
        }
        outputs = [base[f"{topic}_topic"] for topic in ("approve", "deny", "pend")]
        _run(["topics", "create", *_options(base | {"claims_topic": empty})])
        cluster.stamp(outputs)
        loading = _spawn([*_WORKER, *_options(base | {"claims_topic": empty})], f"{word}-load")
        _wait_for_history(cluster, loading, base, history)
        loading.send_signal(signal.SIGTERM)
        loading.wait(60)
        process = _spawn([*_WORKER, *_options(base | {"claims_topic": claims})], word)
        return Running(process, outputs, base["scope_group"], topics=cluster.topics(word))


_CLI = [sys.executable, "-m", "stream_app"]
_WORKER = [*_CLI, "worker"]


def _options(settings: Mapping[str, str]) -> list[str]:
    return [part for key, value in settings.items() for part in ("--settings", f"{key}={value}")]


def _run(arguments: list[str]) -> None:
    done = subprocess.run(
        [*_CLI, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:2])}: {done.stdout}{done.stderr}")


def _wait_for_history(
    cluster: Cluster, process: subprocess.Popen[bytes], base: Mapping[str, str], history: str
) -> None:
    """Until every member's history is in the table, by what both hops have committed."""
    deadline = time.monotonic() + 300
    ends = cluster.ends(history)
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the worker ended while it read the history; see its log")
        if cluster.committed(base["scope_group"], history) == ends:
            inner = cluster.ends(base["history_topic"])
            if sum(inner.values()) == MEMBERS and (
                cluster.committed(base["adjudicate_group"], base["history_topic"]) == inner
            ):
                return
        time.sleep(0.5)
    raise RuntimeError("the worker did not take the history in")


def _spawn(command: list[str], log: str) -> subprocess.Popen[bytes]:
    logs = CACHE / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    guard = shutil.which("setpriv")
    prefix = [guard, "--pdeathsig", "KILL", "--"] if guard else []
    with (logs / f"{log}.log").open("wb") as out:
        return subprocess.Popen(
            [*prefix, *command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )


def _python(script: str, *options: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, str(PEERS / script), *options]


SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        Ours(),
        Ours("cg-trans-03 plain scan", {"scan": "plain"}),
        Peer("confluent-kafka prefilter", _python("confluent_loop.py")),
        Peer("aiokafka prefilter", _python("aiokafka_loop.py", "prefilter")),
        Peer("aiokafka full decode", _python("aiokafka_loop.py", "decode")),
        Peer(
            "Kafka Streams",
            lambda: [
                java(),
                "-Xmx1g",
                "-XX:+UseParallelGC",
                "-cp",
                kafka_streams_classpath(),
                "ClaimFilter",
            ],
        ),
        Peer("Quix Streams", lambda: [str(PEER_PYTHON), str(PEERS / "quix_streams.py")]),
        # Known to lose the first claims after a start with a table, and to commit short.
        Peer(
            "plain Faust",
            _python("faust_agent.py"),
            quiet_seconds=30.0,
            loads_first=True,
            must_be_right=False,
        ),
    )
}
