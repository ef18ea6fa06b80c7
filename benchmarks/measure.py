"""One run of one system, judged by what it wrote and when.

All are timed alike and from outside: by the broker's clock, from output to output. The first tenth
of the outputs is warm-up and the moment it is through is the start; only outputs appended later
than that moment are counted, so that those which were handed over together with it are not
counted as having taken no time.
"""

import time
from bisect import bisect_right

from msgspec import Struct

from benchmarks.claims import Shape
from benchmarks.cluster import Cluster, Output
from benchmarks.systems import Running, System
from benchmarks.watch import Watch

_WARM_UP = 0.1
_POLL_SECONDS = 0.2
_LATE_SECONDS = 1.0  # for outputs that are too many
_COMMIT_SECONDS = 20.0


class Result(Struct):
    """What one run came to."""

    system: str
    shape: str
    claims: int
    expected: int
    got: int
    missing: int
    extra: int
    duplicates: int
    claims_per_second: float
    second_half_per_second: float
    cpu_us_per_claim: float
    peak_rss_mb: float
    commits_at_end: bool
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether exactly the claims in scope were decided, each once, and all was committed."""
        return not (self.missing or self.extra or self.duplicates) and self.commits_at_end


def measure(
    cluster: Cluster, system: System, shape: Shape, count: int, *, patience: float = 600.0
) -> Result:
    """Let a system work through a dataset.

    Args:
        cluster: where the data lies.
        system: what is measured.
        shape: the kind of data.
        count: claims in it.
        patience: seconds after which a system that gives no more output is taken to be through.
    """
    truth = shape.truth(count)
    topic = cluster.dataset(shape, count)
    history = cluster.history(shape.partitions)
    running = system.start(cluster, topic, history, shape.partitions)
    try:
        watch = Watch(running.pid)
        try:
            outputs = _outputs(cluster, running, len(truth), patience)
            commits = _commits_reach_the_end(cluster, running, topic)
        finally:
            watch.close()
    finally:
        running.stop()
        cluster.delete(running.topics)
    outputs.sort(key=lambda output: output.at)
    ids = [output.claim_id for output in outputs]
    claims_per_second, cpu, seconds = rate(outputs, count, len(truth), _WARM_UP, watch)
    second_half, _, _ = rate(outputs, count, len(truth), 0.5, watch)
    return Result(
        system=system.name,
        shape=shape.name,
        claims=count,
        expected=len(truth),
        got=len(ids),
        missing=len(truth - set(ids)),
        extra=len(set(ids) - truth),
        duplicates=len(ids) - len(set(ids)),
        claims_per_second=claims_per_second,
        second_half_per_second=second_half,
        cpu_us_per_claim=cpu * 1e6,
        peak_rss_mb=watch.peak_rss_mb,
        commits_at_end=commits,
        seconds=seconds,
    )


def _outputs(cluster: Cluster, running: Running, expected: int, patience: float) -> list[Output]:
    """Wait until there are enough outputs, or nothing has come for a while; then read them."""
    with cluster.outputs(running.outputs) as outputs:
        begun = last = time.monotonic()
        reached = 0
        while reached < expected and running.alive:
            time.sleep(_POLL_SECONDS)
            before, reached = reached, outputs.count()
            now = time.monotonic()
            if reached > before:
                last = now
            if now - last > (running.quiet_seconds if reached else patience):
                break
            if now - begun > patience:
                break
        time.sleep(_LATE_SECONDS)
        return outputs.read()


def _commits_reach_the_end(cluster: Cluster, running: Running, topic: str) -> bool:
    ends = cluster.ends(topic)
    deadline = time.monotonic() + _COMMIT_SECONDS
    while time.monotonic() < deadline:
        if cluster.committed(running.group, topic) == ends:
            return True
        time.sleep(0.25)
    return False


def rate(
    outputs: list[Output], count: int, expected: int, share: float, watch: Watch
) -> tuple[float, float, float]:
    """(claims a second, CPU seconds a claim, seconds) behind the first `share` of the outputs."""
    times = [output.at for output in outputs]
    if len(times) < 4:
        return 0.0, 0.0, 0.0
    start = times[int(len(times) * share)]
    rest = len(times) - bisect_right(times, start)
    seconds = times[-1] - start
    if not rest or not seconds:
        return 0.0, 0.0, 0.0
    claims = count * rest / expected
    return claims / seconds, watch.cpu_between(start, times[-1]) / claims, seconds
