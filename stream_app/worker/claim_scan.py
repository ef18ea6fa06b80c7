"""The core topic's way through the consumer thread: bytes, scan, survivors, exact counts."""

from collections.abc import Callable
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

SampleSink = Callable[[list[RawRecord]], None]


class _Scanner(Protocol):
    def scan(self, fetched: Fetched) -> ScanResult: ...


class ClaimScan:
    """Scans one topic, on the consumer thread.

    Args:
        topic: the core topic; of every other one all records are read.
        mode: `batch` searches whole record batches, `plain` every record.
        sample_rate: share of the skipped records that `sink` gets to see.
        sink: takes the samples; must return at once.
    """

    def __init__(
        self, topic: str, mode: Literal["batch", "plain"], sample_rate: float, sink: SampleSink
    ) -> None:
        self.topic = topic
        sampler = Sampler(sample_rate)
        self._scanner: _Scanner = (
            BatchScanner(sampler) if mode == "batch" else PlainScanner(sampler)
        )
        self._sink = sink

    def scan(self, fetched: Fetched) -> list[RawRecord]:
        """The records that may be in scope.

        Raises:
            aiokafka.errors.CorruptRecordException: the bytes are not what the broker stored.
            aiokafka.errors.UnsupportedCodecError: a codec that nobody knows.
        """
        lap = laps("scope")
        result = self._scanner.scan(fetched)
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
