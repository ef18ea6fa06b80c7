"""Whether the worker is alive and ready, and how far behind it is."""

import time
from collections.abc import Sequence

from faust.types import TP

from stream_app import metrics
from stream_app.worker.faust_app import HopApp

STALL_SECONDS = 120.0
"""Records are waiting and nothing got done for this long: not alive any more."""


class Progress:
    """Looks at the ledgers and at the ends of the partitions; called from a timer."""

    def __init__(self, apps: Sequence[HopApp]) -> None:
        self._apps = apps
        self._marks: dict[tuple[str, TP], int] = {}
        self._moved = time.monotonic()

    def look(self) -> None:
        """Take stock: lag metrics, and whether anything moved that could."""
        waiting = moved = False
        for app in self._apps:
            hop = app.hop
            positions = hop.ledger.positions()
            metrics.ASSIGNED.labels(hop.name).set(len(positions))
            metrics.IN_FLIGHT.labels(hop.name).set(hop.ledger.in_flight)
            for tp, (_, mark) in positions.items():
                end = app.consumer.highwater(tp)
                # None until the first fetch has answered, whatever Faust's annotation says.
                lag = max(0, (end or 0) - mark)
                metrics.LAG.labels(tp.topic, tp.partition).set(lag)
                waiting |= lag > 0
                moved |= self._marks.get((hop.name, tp)) != mark
                self._marks[hop.name, tp] = mark
        if moved or not waiting:
            self._moved = time.monotonic()

    def live(self) -> str | None:
        """A fault when there is work and none gets done."""
        stalled = time.monotonic() - self._moved
        if stalled > STALL_SECONDS:
            return f"records are waiting and nothing got done for {stalled:.0f} s"
        return None

    def ready(self) -> str | None:
        """A fault until every hop has recovered its tables and may read."""
        for app in self._apps:
            if not app.hop.gate.is_open:
                return f"{app.hop.name}: waiting for partitions and tables"
        return None
