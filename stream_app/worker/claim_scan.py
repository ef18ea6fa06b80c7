"""The core topic's way through the consumer thread: bytes, scan, survivors, exact counts."""

from collections.abc import Callable
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
        metrics.RECORDS_READ.labels(result.topic, partition).inc(result.seen)
        metrics.BYTES_READ.labels(result.topic, partition).inc(result.wire_bytes)
        metrics.CLAIMS_SKIPPED.labels(partition).inc(result.seen - len(result.records))
        metrics.BATCHES_READ.labels(partition).inc(result.batches)
        metrics.BATCHES_SKIPPED.labels(partition).inc(result.skipped_batches)
        metrics.BATCHES_PLAIN.labels(partition).inc(result.plain_batches)
        if result.samples:
            self._sink(result.samples)
        return result.records
