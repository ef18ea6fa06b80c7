"""The plain way: aiokafka reads every record, the predicate looks at each value.

It is the whole scan when the fast one is switched off, the way out of the fast one wherever that
does not understand a batch, what the fast one is tested against, and how all other topics are
read.
"""

from collections.abc import Callable, Iterator
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
from stream_app.worker.scan.transactions import Transactions, header_of

Wanted = Callable[[bytes | None], bool]
"""Whether a record with this value is not skipped."""


def may_matter(value: bytes | None) -> bool:
    """Whether a record of the core topic may be in scope."""
    return value is not None and may_be_in_scope(value)


def scan_plain(fetched: Fetched, sampler: Sampler) -> ScanResult:
    """Find the records of a fetch that may be in scope.

    Raises:
        UnicodeDecodeError: a header's name is no text; aiokafka reads none such.
        aiokafka.errors.CorruptRecordException: a checksum or a batch's layout is wrong.
        aiokafka.errors.UnsupportedCodecError: a codec nobody knows.
    """
    result = ScanResult.of(fetched)
    sampler.begin(fetched.partition)
    for reader in readers(fetched):
        _collect(reader, result, sampler, may_matter)
    transactions = Transactions(fetched)
    for start, stop in batch_bounds(fetched.data):
        result.wire_bytes += stop - start
        header = header_of(fetched.data, start, stop)
        result.batches += not (
            header is not None
            and header.is_special
            and transactions.hide(header, fetched.data, start, stop)
        )
    result.plain_batches = result.batches
    return result.completing(fetched)


def read_plain(
    fetched: Fetched, batch: bytes, result: ScanResult, sampler: Sampler, wanted: Wanted
) -> None:
    """Let aiokafka read one record batch, of no aborted transaction, and add it to `result`."""
    reader = _reader(fetched, batch, result.to_offset, READ_UNCOMMITTED)
    _collect(reader, result, sampler, wanted)
    result.batches += 1
    result.plain_batches += 1


def readers(fetched: Fetched) -> Iterator[PartitionRecords]:
    """Readers of aiokafka's own over a fetch, one for each stretch of one message format.

    They take all that they are given for the format of the first batch, and fail on the others;
    a partition that is older than its broker holds several. A cut batch at the end is left out:
    the reader of the old formats trips over it. Each is to be read to its end before the next is
    asked for.
    """
    data, position = fetched.data, fetched.from_offset
    isolation = READ_COMMITTED if fetched.read_committed else READ_UNCOMMITTED
    before: PartitionRecords | None = None
    for _, run in groupby(batch_bounds(data), lambda bounds: data[bounds[0] + MAGIC_OFFSET]):
        bounds = list(run)
        reader = _reader(fetched, data[bounds[0][0] : bounds[-1][1]], position, isolation)
        if before is not None:
            reader._aborted_transactions = before._aborted_transactions
            reader._aborted_producers = before._aborted_producers
        yield reader
        position = max(position, reader.next_fetch_offset)
        before = reader


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


def _collect(
    reader: PartitionRecords, result: ScanResult, sampler: Sampler, wanted: Wanted
) -> None:
    for record in reader:
        result.seen += 1
        value = record.value
        is_survivor = wanted(value)
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
