"""How long a claim waits for its decision, while claims come at a steady rate.

From the claim's record timestamp, which the platform's producer set when it sent it, to the moment
at which the broker appended the decision: two clocks of one machine, in milliseconds. Everything
between counts: the producer's linger, the broker, both hops, all acknowledgements.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from math import ceil
from uuid import uuid4

import click
from msgspec import Struct, to_builtins
from msgspec.structs import replace

from benchmarks.cluster import Cluster, Outputs
from benchmarks.processes import Running, end, spawn
from benchmarks.report import Report, gathered, table
from benchmarks.setup import CACHE
from benchmarks.systems import SYSTEMS, System, prompt
from benchmarks.watch import Watch

_PARTITIONS = 4
_FIRST_OUTPUT_SECONDS = 90.0
_WARM_UP_SECONDS = 15.0  # behind the first output
_QUIET_SECONDS = 3.0
_ENOUGH_FOR_P999 = 5_000


class Latency(Struct):
    """What one system came to at one rate."""

    system: str
    rate: float
    """Claims a second that did come."""
    decisions: int
    missing: int
    p50_ms: float
    p99_ms: float
    p999_ms: float | None
    """None where there are too few decisions to speak of one in a thousand."""
    max_ms: float
    cpu_us_per_claim: float
    free_cores: float


class Pace(Struct, frozen=True):
    """How claims come: so many a second, for so long, one in so many in scope."""

    rate: int
    seconds: float = 20.0
    one_in: int = 100


def measure_latency(cluster: Cluster, system: System, pace: Pace) -> Latency:
    """Let claims come to a system that is up, and see when they are decided."""
    word = f"paced-{uuid4().hex[:8]}"
    topic = cluster.create_inbound(word, _PARTITIONS)
    history = cluster.history(_PARTITIONS)
    running = prompt(system).start(cluster, topic, history, _PARTITIONS)
    watch = Watch(running.pids, cluster.pid)
    numbers = map(str, (_PARTITIONS, pace.one_in, pace.rate))
    pacer = spawn(
        [sys.executable, "-m", "benchmarks.pacer", cluster.servers, topic, *numbers], word
    )
    try:
        with cluster.outputs(running.outputs) as outputs:
            _await_first(outputs, running)
            time.sleep(_WARM_UP_SECONDS)
            start = time.time()
            time.sleep(pace.seconds)
            stop = time.time()
            end(pacer)
            _await_last(outputs)
            decided = {output.claim_id: output.at for output in outputs.read()}
    finally:
        end(pacer)
        watch.close()
        running.stop()
        cluster.delete([topic, *running.topics])
    sent = _sent(word, start, stop)
    spent = watch.between(start, stop)
    came = len(sent) * pace.one_in / (stop - start)
    waits = sorted((decided[claim] - at) * 1000 for claim, at in sent.items() if claim in decided)
    return Latency(
        system=system.name,
        rate=came,
        decisions=len(waits),
        missing=len(sent) - len(waits),
        p50_ms=percentile(waits, 0.5),
        p99_ms=percentile(waits, 0.99),
        p999_ms=percentile(waits, 0.999) if len(waits) >= _ENOUGH_FOR_P999 else None,
        max_ms=waits[-1] if waits else 0.0,
        cpu_us_per_claim=spent.system / (came * (stop - start)) * 1e6 if came else 0.0,
        free_cores=spent.idle / (stop - start),
    )


def percentile(waits: list[float], share: float) -> float:
    """The shortest wait that at least this share of all did not exceed."""
    return waits[max(0, ceil(len(waits) * share) - 1)] if waits else 0.0


def _sent(word: str, start: float, stop: float) -> dict[str, float]:
    """When each claim in scope was sent, of those sent in that time."""
    lines = (CACHE / "logs" / f"{word}.log").read_text().splitlines()
    said = [line.split() for line in lines if line.startswith("CLM")]
    times = {claim: int(at) / 1000 for claim, at in said}
    return {claim: at for claim, at in times.items() if start <= at < stop}


def _await_first(outputs: Outputs, running: Running) -> None:
    deadline = time.monotonic() + _FIRST_OUTPUT_SECONDS
    while not outputs.count():
        if time.monotonic() > deadline or not running.alive:
            raise RuntimeError("no decision came; see the system's log")
        time.sleep(0.2)


def _await_last(outputs: Outputs) -> None:
    before, reached = -1, outputs.count()
    while reached > before:
        time.sleep(_QUIET_SECONDS)
        before, reached = reached, outputs.count()


class Latencies(Struct, frozen=True):
    """Systems, each at its paces."""

    paces: Sequence[tuple[str, Pace]]

    def narrowed(
        self, systems: Sequence[str], _shapes: Sequence[str], _rounds: int | None
    ) -> "Latencies":
        """The same with some of the systems only."""
        return replace(self, paces=[one for one in self.paces if not systems or one[0] in systems])

    def run(self, cluster: Cluster) -> Report:
        """Measure; prints each result as it comes."""
        results, whole = gathered(self._measured(cluster))
        lost = [one for one in results if one.missing and SYSTEMS[one.system].must_be_right]
        return Report(
            "From a claim to its decision",
            f"{_text(self.paces[0][1])}\n\n{table(_HEAD, map(_row, results))}",
            {"latencies": to_builtins(results)},
            [f"{one.system} at {one.rate:,.0f}/s: {one.missing} not decided" for one in lost],
            has_picture=False,
            is_whole=whole,
        )

    def _measured(self, cluster: Cluster) -> Iterator[Latency]:
        for name, pace in self.paces:
            result = measure_latency(cluster, SYSTEMS[name], pace)
            click.echo(result)
            yield result


def _text(pace: Pace) -> str:
    return (
        "Milliseconds from the record timestamp of a claim to the moment at which the broker"
        f" appended its decision, over {pace.seconds:.0f} s at a steady rate,"
        f" {_WARM_UP_SECONDS:.0f} s behind the first decision; claims sent with a linger of 5 ms,"
        f" 1 in {pace.one_in} in scope. The peers send decisions at once (linger 0); the service is"
        " as it comes."
    )


_HEAD = (
    *("system", "claims/s that came", "p50 ms", "p99 ms", "p99.9 ms", "max ms", "decisions"),
    *("missing", "CPU µs/claim", "free cores"),
)


def _row(one: Latency) -> tuple[object, ...]:
    return (
        one.system,
        f"{one.rate:,.0f}",
        f"{one.p50_ms:.0f}",
        f"{one.p99_ms:.0f}",
        "" if one.p999_ms is None else f"{one.p999_ms:.0f}",
        f"{one.max_ms:.0f}",
        f"{one.decisions:,}",
        one.missing,
        f"{one.cpu_us_per_claim:.1f}",
        f"{one.free_cores:.2f}",
    )
