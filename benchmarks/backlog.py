"""What a worker holds in memory while it works off a backlog that takes it minutes."""

import statistics
import sys
import time
from collections.abc import Sequence
from uuid import uuid4

import click
from msgspec import Struct, to_builtins

from benchmarks import feeder
from benchmarks.claims import claim_id
from benchmarks.cluster import Cluster
from benchmarks.measure import Result, Work, work_through
from benchmarks.processes import end, spawn
from benchmarks.report import Report, table
from benchmarks.systems import SYSTEMS, System
from benchmarks.throughput import OURS, faults
from benchmarks.watch import Held

_PARTITIONS = 4
_EVERY_SECONDS = 1.0


class Backlog(Struct):
    """How memory went."""

    result: Result
    seconds: float
    series: list[tuple[float, float]]
    """(seconds since the start, MB), one a second."""

    @property
    def early_mb(self) -> float:
        """Mean over the second tenth of the time: behind the start, before the long run."""
        return self._mean(0.1, 0.2)

    @property
    def late_mb(self) -> float:
        """Mean over the last tenth."""
        return self._mean(0.9, 1.0)

    def _mean(self, begin: float, stop: float) -> float:
        last = self.series[-1][0]
        return statistics.fmean(mb for at, mb in self.series if begin <= at / last <= stop)


def measure_backlog(cluster: Cluster, system: System, count: int) -> Backlog:
    """Give a system that many claims, as fast as the broker takes them, and watch its memory.

    The claims are still coming when it begins; it is slower, so that the backlog grows at first.
    """
    word = f"backlog-{uuid4().hex[:8]}"
    topic = cluster.create_inbound(word, _PARTITIONS)
    history = cluster.history(_PARTITIONS)
    rounds = count // (_PARTITIONS * feeder.BATCH_RECORDS)
    arguments = [cluster.servers, topic, str(_PARTITIONS), str(rounds)]
    feeding = spawn([sys.executable, "-m", "benchmarks.feeder", *arguments], word)
    truth = {claim_id(number) for number in range(feeder.in_scope(rounds))}
    work = Work("backlog", topic, feeder.size(rounds, _PARTITIONS), truth)
    try:
        running = system.start(cluster, topic, history, _PARTITIONS)
        try:
            started = time.time()
            result, memory = work_through(cluster, running, system.name, work, 1800.0)
        finally:
            running.stop()
            cluster.delete(running.topics)
    finally:
        end(feeding)
        cluster.delete([topic])
    return Backlog(result, result.seconds, _one_a_second(memory, started))


def _one_a_second(memory: list[Held], started: float) -> list[tuple[float, float]]:
    series: list[tuple[float, float]] = []
    for held in memory:
        at = held.at - started
        if not series or at >= series[-1][0] + _EVERY_SECONDS:
            series.append((round(at, 1), round(held.rss_mb, 1)))
    return series


class Memory(Struct, frozen=True):
    """Our worker's memory under a long backlog.

    Attributes:
        count: claims in it.
    """

    count: int

    def narrowed(
        self, _systems: Sequence[str], _shapes: Sequence[str], _rounds: int | None
    ) -> "Memory":
        """The same: there is nothing to leave out."""
        return self

    def run(self, cluster: Cluster) -> Report:
        """Measure."""
        backlog = measure_backlog(cluster, SYSTEMS[OURS], self.count)
        result = backlog.result
        click.echo(result)
        rows = [
            ("claims", f"{result.claims:,}"),
            ("seconds", f"{backlog.seconds:,.0f}"),
            ("claims/s", f"{result.claims_per_second:,.0f}"),
            ("MB early (second tenth of the time)", f"{backlog.early_mb:.0f}"),
            ("MB late (last tenth)", f"{backlog.late_mb:.0f}"),
            ("MB at most, ever", f"{result.peak_rss_mb:.0f}"),
            ("work", "exact" if result.is_right else "wrong"),
        ]
        text = (
            "Claims are produced by a program that sends prepared batches again and again, about"
            f" one in {feeder.BATCH_RECORDS * _PARTITIONS * feeder.ROUNDS_A_CLAIM_IN_SCOPE:,} of"
            " them in scope and new each time; the worker begins when they have begun to come.\n\n"
        )
        numbers = {"series": backlog.series, "result": to_builtins(result)}
        return Report(
            "Memory under a backlog", text + table(("", OURS), rows), numbers, faults([result])
        )
