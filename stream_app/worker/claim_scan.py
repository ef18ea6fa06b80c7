"""The core topic's way past the consumer thread: bytes, scan, survivors, exact counts.

Decompression and search, most of what a claim costs, let go of the interpreter's lock. So large
fetches are scanned by threads of their own, several at a time, while the consumer thread receives
the next ones.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Literal, Protocol

from stream_app import metrics
from stream_app.worker.scan import (
    BatchScanner,
    Fetched,
    PlainScanner,
    RawRecord,
    Sampler,
    ScanResult,
)
from stream_app.worker.stages import laps

# Finding a metric's child takes longer than counting with it; there are as many as partitions.
_records_read = cache(metrics.RECORDS_READ.labels)
_bytes_read = cache(metrics.BYTES_READ.labels)
_claims_skipped = cache(metrics.CLAIMS_SKIPPED.labels)
_batches_read = cache(metrics.BATCHES_READ.labels)
_batches_skipped = cache(metrics.BATCHES_SKIPPED.labels)
_batches_plain = cache(metrics.BATCHES_PLAIN.labels)

_WORTH_A_THREAD_BYTES = 128 * 1024
"""Below it handing a fetch to another thread costs more time than it saves."""

_WORTH_A_THREAD_BATCH_BYTES = 32 * 1024
"""Likewise where the record batches are small: each is a few handovers of the interpreter's lock,
which cost more when several threads want it (CPU per claim, one a batch: 33 µs, not 15; a hundred,
14 KB a batch: 2.0, not 1.4). With 77 KB a batch the threads make a third more of the machine."""

SampleSink = Callable[[list[RawRecord]], None]


class _Scanner(Protocol):
    def scan(self, fetched: Fetched) -> ScanResult: ...


class ClaimScan:
    """Scans one topic.

    Args:
        topic: the core topic; of every other one all records are read.
        mode: `batch` searches whole record batches, `plain` every record.
        sample_rate: share of the skipped records that `sink` gets to see.
        sink: takes the samples, from any thread; must return at once.
        threads: how many large fetches are scanned at a time. Record by record, which holds the
            interpreter's lock all the time, it is always one.
    """

    def __init__(
        self,
        topic: str,
        mode: Literal["batch", "plain"],
        sample_rate: float,
        sink: SampleSink,
        threads: int = 1,
    ) -> None:
        self.topic = topic
        self._mode = mode
        self._sample_rate = sample_rate
        self._sink = sink
        self._threads = ThreadPoolExecutor(
            threads if mode == "batch" else 1, thread_name_prefix="scan"
        )
        self._of_thread = threading.local()

    def begin(self, fetched: Fetched) -> "asyncio.Future[list[RawRecord]]":
        """Have a fetch scanned, a small one at once, a large one meanwhile; raises as `scan`."""
        loop = asyncio.get_running_loop()
        # The first batch speaks for the others: its length stands behind its offset of 8 bytes.
        batch_bytes = int.from_bytes(fetched.data[8:12], "big")
        if (
            len(fetched.data) >= _WORTH_A_THREAD_BYTES
            and batch_bytes >= _WORTH_A_THREAD_BATCH_BYTES
        ):
            return loop.run_in_executor(self._threads, self.scan, fetched)
        done: asyncio.Future[list[RawRecord]] = loop.create_future()
        done.set_result(self.scan(fetched))
        return done

    def scan(self, fetched: Fetched) -> list[RawRecord]:
        """The records that may be in scope, on the calling thread.

        Raises:
            aiokafka.errors.CorruptRecordException: the bytes are not what the broker stored.
            aiokafka.errors.UnsupportedCodecError: a codec that nobody knows.
        """
        lap = laps("scope")
        result = self._scanner().scan(fetched)
        lap("scan")
        partition = str(result.partition)
        _records_read(result.topic, partition).inc(result.seen)
        _bytes_read(result.topic, partition).inc(result.wire_bytes)
        _claims_skipped(partition).inc(result.seen - len(result.records))
        _batches_read(partition).inc(result.batches)
        _batches_skipped(partition).inc(result.skipped_batches)
        _batches_plain(partition).inc(result.plain_batches)
        if result.samples:
            self._sink(result.samples)
        return result.records

    def _scanner(self) -> _Scanner:
        """The calling thread's own: a scanner reuses its memory from fetch to fetch."""
        scanner: _Scanner | None = getattr(self._of_thread, "scanner", None)
        if scanner is None:
            sampler = Sampler(self._sample_rate)
            scanner = BatchScanner(sampler) if self._mode == "batch" else PlainScanner(sampler)
            self._of_thread.scanner = scanner
        return scanner
