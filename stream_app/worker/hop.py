"""What one hop's consumer thread and its agents share: gate, ledger, limits, batches at work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP
from mode import get_logger

from stream_app import metrics
from stream_app.tracing import Tracer
from stream_app.worker.batch import Batch
from stream_app.worker.claim_scan import ClaimScan
from stream_app.worker.gate import Gate
from stream_app.worker.history_first import HistoryFirst
from stream_app.worker.lanes import Lanes
from stream_app.worker.ledger import Ledger

logger = get_logger(__name__)


@dataclass
class Hop:
    """One Faust app's side of the pipeline."""

    name: str
    max_in_flight_bytes: int
    """Records handed out and not yet done; reading pauses above it."""
    settle_seconds: float
    """How long a rebalance or a stop waits for the running batch."""
    fetch_max_bytes: int
    fetch_max_partition_bytes: int
    fetch_max_wait_ms: int
    scan: ClaimScan | None = None
    """Of the core topic, where this hop reads it."""
    history_first: HistoryFirst | None = None
    """What holds claims back, where this hop decides them."""
    tracer: Tracer | None = None
    gate: Gate = field(default_factory=Gate)
    ledger: Ledger = field(default_factory=Ledger)
    lanes: list[Lanes] = field(default_factory=list)
    """Where batches wait to be worked on."""
    _running: int = 0
    _idle: asyncio.Event | None = None

    def prepare_consumer(self, consumer: Any) -> None:
        """Set what Faust has no settings for, before the consumer starts."""
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_bytes = self.fetch_max_bytes
        consumer._max_partition_fetch_bytes = self.fetch_max_partition_bytes
        consumer._fetch_max_wait_ms = self.fetch_max_wait_ms

    def lost(self, tp: TP, offset: int, first: int) -> None:
        """Retention has taken records before they were read."""
        metrics.RECORDS_LOST.labels(tp.topic).inc(first - offset)
        logger.error(
            "%d records of %s-%d were deleted by retention before they were read",
            first - offset,
            tp.topic,
            tp.partition,
        )

    @asynccontextmanager
    async def running(self, batch: Batch) -> AsyncIterator[None]:
        """Around the work on a batch; a batch that goes through is done."""
        if self._idle is None:
            self._idle = asyncio.Event()
        self._running += 1
        self._idle.clear()
        try:
            yield
            batch.span.finish()
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def settled(self) -> None:
        """Wait until no batch is being worked on, `settle_seconds` at the most.

        What is not begun by now is not begun at all: it will be read again.
        """
        for lanes in self.lanes:
            lanes.clear()
        if self._running and self._idle is not None:
            try:
                await asyncio.wait_for(self._idle.wait(), self.settle_seconds)
            except TimeoutError:
                logger.warning(
                    "%s: a batch is still running after %.0f s; it will be read again",
                    self.name,
                    self.settle_seconds,
                )
