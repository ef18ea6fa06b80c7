"""The plain way: aiokafka reads every record, the predicate looks at each value.

It is the whole scan when the fast one is switched off, the way out of the fast one wherever that
does not understand a batch, and what the fast one is tested against.
"""

from collections.abc import Iterator
from itertools import groupby

from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from stream_app.pipeline.scope import may_be_in_scope
from stream_app.worker.scan.fetched import (
    MAGIC_OFFSET,
    Fetched,
    RawRecord,
    ScanResult,
    batch_bounds,
)
from stream_app.worker.scan.sampling import Sampler


class PlainScanner:
    """Scans as `BatchScanner` does, record by record."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._sampler = sampler or Sampler(rate=0)

    def scan(self, fetched: Fetched) -> ScanResult:
        """Find the records of a fetch that may be in scope. Raises as `BatchScanner.scan` does."""
        result = ScanResult.of(fetched)
        result.batches = sum(1 for _ in batch_bounds(fetched.data))
        result.plain_batches = result.batches
        isolation = READ_COMMITTED if fetched.read_committed else READ_UNCOMMITTED
        before: PartitionRecords | None = None
        for start, stop in _runs(fetched.data):
            result.wire_bytes += stop - start
            reader = _reader(fetched, fetched.data[start:stop], result.to_offset, isolation)
            if before is not None:
                reader._aborted_transactions = before._aborted_transactions
                reader._aborted_producers = before._aborted_producers
            _collect(reader, result, self._sampler)
            before = reader
        return result.completing(fetched)


def read_plain(fetched: Fetched, batch: bytes, result: ScanResult, sampler: Sampler) -> None:
    """Let aiokafka read one record batch, of no aborted transaction, and add it to `result`."""
    reader = _reader(fetched, batch, result.to_offset, READ_UNCOMMITTED)
    _collect(reader, result, sampler)
    result.batches += 1
    result.plain_batches += 1


def _runs(data: bytes) -> Iterator[tuple[int, int]]:
    """Stretches of batches of one message format.

    aiokafka's reader takes all that it is given for the format of the first batch, and fails on
    the others; a partition that is older than its broker holds several. A cut batch at the end
    is left out: the reader of the old formats trips over it.
    """
    for _, run in groupby(batch_bounds(data), lambda bounds: data[bounds[0] + MAGIC_OFFSET]):
        bounds = list(run)
        yield bounds[0][0], bounds[-1][1]


def _reader(fetched: Fetched, data: bytes, position: int, isolation: int) -> PartitionRecords:
    return PartitionRecords(
        TopicPartition(fetched.topic, fetched.partition),
        MemoryRecords(data),
        fetched.aborted,
        position,
        None,
        None,
        fetched.check_crcs,
        isolation,
    )


def _collect(reader: PartitionRecords, result: ScanResult, sampler: Sampler) -> None:
    for record in reader:
        result.seen += 1
        value = record.value
        is_survivor = value is not None and may_be_in_scope(value)
        if is_survivor or sampler.draws(1):
            (result.records if is_survivor else result.samples).append(
                RawRecord(
                    record.topic,
                    record.partition,
                    record.offset,
                    record.timestamp,
                    record.timestamp_type,
                    record.key,
                    value,
                    tuple(record.headers),
                )
            )
    result.to_offset = max(result.to_offset, reader.next_fetch_offset)
