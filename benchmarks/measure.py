"""One run of one system through a full topic, judged by what it wrote and when.

All are timed alike and from outside: by the broker's clock, behind the first tenth of the outputs
(warm-up). The rate is the slope of the line through what had come out by when. To count from one
output to another would not do: whoever hands over in portions has done the work for one before it
begins to come out, and would have it counted as having taken no time.
"""

import time
from statistics import linear_regression
from typing import NamedTuple

from msgspec import Struct

from benchmarks.claims import Shape
from benchmarks.cluster import Cluster, Output
from benchmarks.processes import Running
from benchmarks.systems import System
from benchmarks.watch import Held, Watch

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
    broker_us_per_claim: float
    free_cores: float
    """How many cores nobody used meanwhile."""
    peak_rss_mb: float
    commits_at_end: bool
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether exactly the claims in scope were decided, each once, and all was committed."""
        return not (self.missing or self.extra or self.duplicates) and self.commits_at_end

    @property
    def fault(self) -> str:
        """What is wrong with the work, in a line."""
        return (
            f"{self.system} on {self.shape}: {self.got} of {self.expected} decisions,"
            f" {self.missing} missing, {self.extra} too many, {self.duplicates} twice,"
            f" {'all' if self.commits_at_end else 'not all'} committed"
        )


class Work(Struct, frozen=True):
    """What is to be worked through.

    Attributes:
        name: how the results call it.
        topic: where it lies.
        count: claims in it.
        truth: the ids of those in scope.
    """

    name: str
    topic: str
    count: int
    truth: set[str]


class Window(NamedTuple):
    """A stretch of time, and how many claims it took to get its outputs out."""

    start: float
    stop: float
    claims: float

    @property
    def rate(self) -> float:
        """Claims a second."""
        return self.claims / (self.stop - self.start)


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
    work = Work(shape.name, cluster.dataset(shape, count), count, shape.truth(count))
    history = cluster.history(shape.partitions)
    running = system.start(cluster, work.topic, history, shape.partitions)
    try:
        return work_through(cluster, running, system.name, work, patience)[0]
    finally:
        running.stop()
        cluster.delete(running.topics)


def work_through(
    cluster: Cluster, running: Running, name: str, work: Work, patience: float = 600.0
) -> tuple[Result, list[Held]]:
    """Watch a system that has just been started until it is through."""
    count, truth = work.count, work.truth
    watch = Watch(running.pids, cluster.pid)
    try:
        outputs = _outputs(cluster, running, len(truth), patience)
        commits = _commits_reach_the_end(cluster, running, work.topic)
    finally:
        watch.close()
    outputs.sort(key=lambda output: output.at)
    ids = [output.claim_id for output in outputs]
    times = [output.at for output in outputs]
    whole = window(times, count, len(truth), _WARM_UP)
    half = window(times, count, len(truth), 0.5)
    spent = watch.between(whole.start, whole.stop)
    result = Result(
        system=name,
        shape=work.name,
        claims=count,
        expected=len(truth),
        got=len(ids),
        missing=len(truth - set(ids)),
        extra=len(set(ids) - truth),
        duplicates=len(ids) - len(set(ids)),
        claims_per_second=whole.rate,
        second_half_per_second=half.rate,
        cpu_us_per_claim=spent.system / whole.claims * 1e6 if whole.claims else 0.0,
        broker_us_per_claim=spent.broker / whole.claims * 1e6 if whole.claims else 0.0,
        free_cores=spent.idle / (whole.stop - whole.start),
        peak_rss_mb=watch.peak_rss_mb,
        commits_at_end=commits,
        seconds=whole.stop - whole.start,
    )
    return result, watch.memory


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


def window(times: list[float], count: int, expected: int, share: float) -> Window:
    """What lies behind the first `share` of the outputs, at the rate at which they came.

    Args:
        times: of the outputs, in order.
        count: claims in all.
        expected: of them in scope.
        share: of the outputs, to be left out.
    """
    rest = times[int(len(times) * share) :]
    if len(rest) >= 3 and rest[-1] > rest[0]:
        # From zero on, or what a second is to the epoch would cost the digits.
        slope, _ = linear_regression([at - rest[0] for at in rest], range(len(rest)))
        return Window(rest[0], rest[-1], count / expected * slope * (rest[-1] - rest[0]))
    return Window(0.0, 1.0, 0.0)  # too little to time
