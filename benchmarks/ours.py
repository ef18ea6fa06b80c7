"""The service itself, as its users start it, with everything on."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from uuid import uuid4

from msgspec import Struct

from benchmarks.claims import MEMBERS
from benchmarks.cluster import Cluster
from benchmarks.processes import ROOT, Process, Running, spawn

CLI = [sys.executable, "-m", "stream_app"]
_WORKER = [*CLI, "worker"]
_TOPICS = (
    *("in_scope", "history", "approve", "deny", "pend"),
    *("history_drift", "shadow", "dead_letter"),
)
_OUTPUTS = ("approve_topic", "deny_topic", "pend_topic")


class Ours(Struct, frozen=True):
    """One worker process, several that share the partitions, or one for each hop.

    Attributes:
        name: how the results call it.
        settings: besides those that name topics and groups.
        workers: how many.
        roles: the option `--role` of each process that one worker is split into.
        must_be_right: always.
    """

    name: str = "cg-trans-03"
    settings: Mapping[str, str] = {}
    workers: int = 1
    roles: tuple[str, ...] = ("",)
    must_be_right: bool = True

    def start(self, cluster: Cluster, claims: str, history: str, partitions: int) -> Running:
        """Bring the history into its table first, on a claims topic without claims."""
        word = f"ours-{uuid4().hex[:8]}"
        empty = cluster.create_inbound(f"{word}-no-claims", partitions)
        base = self.named(cluster, word, history, partitions)
        outputs = [base[topic] for topic in _OUTPUTS]
        run_cli(["topics", "create", *options(base | {"claims_topic": empty})])
        cluster.stamp(outputs)
        loading = spawn([*_WORKER, *options(base | {"claims_topic": empty})], f"{word}-load")
        _wait_for_history(cluster, loading, base, history)
        loading.send_signal(signal.SIGTERM)
        loading.wait(60)
        processes = [
            spawn(
                [*_WORKER, *role.split(), *options(base | {"claims_topic": claims})],
                f"{word}-{number}{role.replace(' ', '')}",
            )
            for number in range(self.workers)
            for role in self.roles
        ]
        return Running(processes, outputs, base["scope_group"], topics=cluster.topics(word))

    def named(self, cluster: Cluster, word: str, history: str, partitions: int) -> dict[str, str]:
        """The settings of a service of its own: every topic and group is named after `word`."""
        return {
            "bootstrap_servers": cluster.servers,
            "history_in_topic": history,
            "partitions": str(partitions),
            "replication_factor": "1",
            "scope_group": f"{word}-scope",
            "adjudicate_group": f"{word}-adjudicate",
            "metrics_port": "0",
            "log_level": "INFO",
            **{f"{topic}_topic": f"{word}-{topic.replace('_', '-')}" for topic in _TOPICS},
            **self.settings,
        }


def options(settings: Mapping[str, str]) -> list[str]:
    """As the command line takes them."""
    return [part for key, value in settings.items() for part in ("--settings", f"{key}={value}")]


def run_cli(arguments: list[str]) -> None:
    """Run a command of the service that ends by itself."""
    done = subprocess.run([*CLI, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:2])}: {done.stdout}{done.stderr}")


def _wait_for_history(
    cluster: Cluster, process: Process, base: Mapping[str, str], history: str
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
        time.sleep(0.25)
    raise RuntimeError("the worker did not take the history in")
