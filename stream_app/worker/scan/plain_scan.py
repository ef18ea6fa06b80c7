"""The plain way: aiokafka reads every record, the predicate looks at each value.

It is the whole scan when the fast one is switched off, the way out of the fast one wherever that
does not understand a batch, and what the fast one is tested against.
"""

from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from stream_app.pipeline.scope import may_be_in_scope
from stream_app.worker.scan.fetched import (
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
        batches = list(batch_bounds(fetched.data))
        result.wire_bytes = batches[-1][1] if batches else 0
        read_plain(fetched, fetched.data, result, self._sampler, aborted=True)
        result.batches = result.plain_batches = len(batches)
        return result.completing(fetched)


def read_plain(
    fetched: Fetched, data: bytes, result: ScanResult, sampler: Sampler, *, aborted: bool = False
) -> None:
    """Read record batches by aiokafka's own reader, from the result's position on.

    Args:
        fetched: where the batches come from.
        data: the batches to read, all that was fetched or some of it.
        result: is added to.
        sampler: draws from the records that are skipped.
        aborted: whether aborted transactions are still to be left out.
    """
    is_committed = aborted and fetched.read_committed
    reader = PartitionRecords(
        TopicPartition(fetched.topic, fetched.partition),
        MemoryRecords(data),
        fetched.aborted if aborted else None,
        result.to_offset,
        None,
        None,
        fetched.check_crcs,
        READ_COMMITTED if is_committed else READ_UNCOMMITTED,
    )
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
                    record.headers,
                )
            )
    result.to_offset = reader.next_fetch_offset
