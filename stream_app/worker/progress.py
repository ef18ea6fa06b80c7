"""Whether the worker is alive and ready, and how far behind it is."""

import time
from collections import deque
from collections.abc import Callable, Sequence

from faust.types import TP

from stream_app import metrics
from stream_app.worker.ends import end_of
from stream_app.worker.faust_app import HopApp
from stream_app.worker.recovering import is_connected, remaining_records
from stream_app.worker.unready import Unready

STALL_SECONDS = 120.0
"""Records are waiting and nothing got done for this long: not alive any more."""


_ENDS_KEPT = 512

Clock = Callable[[], float]
"""Seconds that only grow."""


class Waiting:
    """Since when one partition's oldest record that is not done has been known to wait.

    Remembers at which times the partition's end was seen to move. What was there before the first
    look counts from that look on.
    """

    def __init__(self) -> None:
        self._ends: deque[tuple[int, float]] = deque()

    def since(self, mark: int, end: int, now: float) -> float | None:
        """Take note that everything below `mark` is done and the partition ends at `end`."""
        ends = self._ends
        while ends and ends[0][0] <= mark:
            ends.popleft()
        if end > (ends[-1][0] if ends else mark):
            ends.append((end, now))
        if len(ends) > _ENDS_KEPT:
            # Coarser, never too young: each end dropped lends its time to the one after it.
            kept = list(ends)
            pairs = zip(kept[::2], kept[1::2], strict=False)
            self._ends = deque((late, seen) for (_, seen), (late, _) in pairs)
            if len(kept) % 2:
                self._ends.append(kept[-1])
        return self._ends[0][1] if self._ends else None


class Progress:
    """Looks at the ledgers and at the ends of the partitions; called from a timer."""

    def __init__(self, apps: Sequence[HopApp], clock: Clock = time.monotonic) -> None:
        self._apps = apps
        self._clock = clock
        self._marks: dict[tuple[str, TP], int] = {}
        self._waiting: dict[TP, Waiting] = {}
        self._unready = {app.hop.name: Unready() for app in apps}
        self._moved = clock()

    def look(self) -> None:
        """Take stock: lag metrics, and whether anything moved that could."""
        now = self._clock()
        waiting = moved = False
        assigned: set[TP] = set()
        for app in self._apps:
            hop = app.hop
            positions = hop.ledger.positions()
            metrics.ASSIGNED.labels(hop.name).set(len(positions))
            metrics.IN_FLIGHT.labels(hop.name).set(hop.ledger.in_flight)
            metrics.READY.labels(hop.name).set(hop.gate.is_open)
            if app.started:
                self._look_at_recovery(app, now)
            assigned |= positions.keys()
            for tp, (_, mark) in positions.items():
                lag = max(0, (end_of(app.consumer, tp) or 0) - mark)
                metrics.LAG.labels(tp.topic, tp.partition).set(lag)
                since = self._waiting.setdefault(tp, Waiting()).since(mark, mark + lag, now)
                age = 0.0 if since is None else now - since
                metrics.WAITING.labels(tp.topic, tp.partition).set(age)
                waiting |= lag > 0
                moved |= self._marks.get((hop.name, tp)) != mark
                self._marks[hop.name, tp] = mark
        for tp in self._waiting.keys() - assigned:
            # Another worker's now: two must not tell of one partition.
            del self._waiting[tp]
            metrics.WAITING.remove(tp.topic, tp.partition)
            metrics.LAG.remove(tp.topic, tp.partition)
        if moved or not waiting:
            self._moved = now
        metrics.STALLED.set(now - self._moved)

    def _look_at_recovery(self, app: HopApp, now: float) -> None:
        left = remaining_records(app.tables)
        for table, records in left.items():
            metrics.RECOVERY_REMAINING.labels(table).set(records)
        self._unready[app.hop.name].look(
            now,
            open_=app.hop.gate.is_open,
            reachable=is_connected(app.consumer),
            left=sum(left.values()),
        )

    def live(self) -> str | None:
        """A fault when there is work and none gets done, or a hop is stuck on its way to it."""
        now = self._clock()
        stalled = now - self._moved
        if stalled > STALL_SECONDS:
            return f"records are waiting and nothing got done for {stalled:.0f} s"
        for hop, unready in self._unready.items():
            fault = unready.fault(now)
            if fault is not None:
                return f"{hop}: {fault}"
        return None

    def ready(self) -> str | None:
        """A fault until every hop has recovered its tables and may read."""
        for app in self._apps:
            if not app.hop.gate.is_open:
                return f"{app.hop.name}: waiting for partitions and tables"
        return None
