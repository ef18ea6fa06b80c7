"""Claims decided by a worker that keeps its tables in RocksDB, then decided again by a replay."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import orjson
from msgspec import Struct, to_builtins

from benchmarks.claims import Shape
from benchmarks.cluster import Cluster
from benchmarks.measure import Result, Work, work_through
from benchmarks.ours import CLI, Ours, options
from benchmarks.processes import spawn
from benchmarks.report import Report, table
from benchmarks.throughput import faults
from benchmarks.watch import Watch

_MB = 2**20


class Replay(Struct):
    """What a dry run over everything came to."""

    claims: int
    compared: int
    changed: int
    irreproducible: int
    exit_code: int
    seconds: float
    cpu_us_per_claim: float
    peak_rss_mb: float
    job_mb: float
    """Of its folder: what it gathered, and the reports."""

    @property
    def claims_per_second(self) -> float:
        """From its start to its end, reading and reporting included."""
        return self.claims / self.seconds

    @property
    def is_right(self) -> bool:
        """Whether it found that every claim would be decided as it was."""
        return self.compared == self.claims and not (
            self.changed or self.irreproducible or self.exit_code
        )


class Replays(Struct, frozen=True):
    """A replay of claims that are all in scope.

    Attributes:
        count: how many.
    """

    count: int

    def narrowed(
        self, _systems: Sequence[str], _shapes: Sequence[str], _rounds: int | None
    ) -> "Replays":
        """The same: there is nothing to leave out."""
        return self

    def run(self, cluster: Cluster) -> Report:
        """Measure the worker, then the replay of all that it did."""
        with tempfile.TemporaryDirectory(prefix="bench-replay-") as folder:
            tables, job = Path(folder) / "tables", Path(folder) / "job"
            shape = Shape("all", one_in=1)
            ours = Ours("cg-trans-03, RocksDB", {"data_dir": str(tables)})
            topic = cluster.dataset(shape, self.count)
            history = cluster.history(shape.partitions)
            running = ours.start(cluster, topic, history, shape.partitions)
            try:
                work = Work(shape.name, topic, self.count, shape.truth(self.count))
                worked, _ = work_through(cluster, running, ours.name, work)
            finally:
                running.stop()
            try:
                word = running.group.removesuffix("-scope")
                named = ours.named(cluster, word, history, shape.partitions)
                replayed = _replay(cluster, named | {"claims_topic": topic}, job, self.count)
            finally:
                cluster.delete(running.topics)
            click.echo(worked)
            click.echo(replayed)
            return _report(worked, replayed, _size(tables))


def _replay(cluster: Cluster, settings: dict[str, str], job: Path, count: int) -> Replay:
    start = time.time()
    process = spawn([*CLI, "replay", "--job", str(job), *options(settings)], "replay")
    watch = Watch([process.pid], cluster.pid)
    exit_code = process.wait(1800)
    stop = time.time()
    watch.close()
    outcome = job / "report.json"
    report = orjson.loads(outcome.read_bytes()) if outcome.exists() else {}
    return Replay(
        claims=count,
        compared=report.get("compared", 0),
        changed=report.get("changed", 0),
        irreproducible=report.get("irreproducible", 0),
        exit_code=exit_code,
        seconds=stop - start,
        cpu_us_per_claim=watch.between(start, stop).system / count * 1e6,
        peak_rss_mb=watch.peak_rss_mb,
        job_mb=_size(job),
    )


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / _MB


def _report(worked: Result, replayed: Replay, tables_mb: float) -> Report:
    million = worked.claims / 1e6
    rows = [
        (
            "worker, tables in RocksDB",
            f"{worked.claims_per_second:,.0f}",
            f"{worked.cpu_us_per_claim:.0f}",
            f"{worked.peak_rss_mb:.0f}",
            f"{tables_mb:.0f}",
            "exact" if worked.is_right else "wrong",
        ),
        (
            "replay, dry run",
            f"{replayed.claims_per_second:,.0f}",
            f"{replayed.cpu_us_per_claim:.0f}",
            f"{replayed.peak_rss_mb:.0f}",
            f"{replayed.job_mb:.0f}",
            "exact" if replayed.is_right else "wrong",
        ),
    ]
    head = ("", "claims/s", "CPU µs/claim", "peak RSS MB", "on disk MB", "work")
    text = (
        f"{worked.claims:,} claims, every one in scope, of 20,000 members. First decided by one"
        " worker, then decided again and compared by one replay that reads everything"
        " anew (its rate is of the whole job, reports included). The tables of the worker take"
        f" {tables_mb / million:,.0f} MB a million remembered claims.\n\n"
    )
    wrong = [] if replayed.is_right else [f"replay: {replayed}"]
    numbers = {
        "worker": to_builtins(worked),
        "replay": to_builtins(replayed),
        "tables_mb": tables_mb,
    }
    return Report(
        "Replay",
        text + table(head, rows),
        numbers,
        faults([worked]) + wrong,
        has_picture=False,
    )
