"""The core topic's way through the consumer thread: bytes, scan, survivors, exact counts."""

from collections.abc import Callable
from typing import Any, Literal, Protocol

from aiokafka import AIOKafkaConsumer

from stream_app import metrics
from stream_app.worker.scan import (
    BatchScanner,
    Fetched,
    PlainScanner,
    RawFetches,
    RawRecord,
    Sampler,
    ScanResult,
)

SampleSink = Callable[[list[RawRecord]], None]


class _Scanner(Protocol):
    def scan(self, fetched: Fetched) -> ScanResult: ...


class ClaimScan:
    """Scans one topic. Belongs to the consumer thread.

    Args:
        topic: the core topic; every other one is read the plain way.
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
        self._fetches: RawFetches | None = None

    def attach(self, consumer: AIOKafkaConsumer) -> None:
        """Keep the bytes of this (started) consumer's fetches."""
        self._fetches = RawFetches(consumer, {self.topic})

    def take(self, result: Any) -> Fetched | None:
        """What a fetch brought; its range is known, nothing has been looked at.

        None where the fetch is stale: nothing has moved.
        """
        return None if self._fetches is None else self._fetches.take(result)

    def scan(self, fetched: Fetched) -> list[RawRecord]:
        """The records that may be in scope.

        Raises:
            aiokafka.errors.CorruptRecordException: the bytes are not what the broker stored.
            aiokafka.errors.UnsupportedCodecError: a codec that nobody knows.
        """
        result = self._scanner.scan(fetched)
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
