"""The scan of the high-volume core: record batches in, the few records that may matter out.

A batch is checked, decompressed and searched as one stretch of bytes. Without a hit its records
are counted from its header and never parsed; with one, only the records around the hits are.
What is delivered is exactly what `stream_app.pipeline.scope.may_be_in_scope` lets through, record
by record, and the position moves exactly as aiokafka's own reader would move it. Whatever does
not look as it should is left to that reader (`plain_scan.py`), which also raises the errors.
"""

from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch
from google_crc32c import value as crc32c

from stream_app.pipeline.scope import may_be_in_scope
from stream_app.worker.scan.fetched import (
    MAGIC_OFFSET,
    Fetched,
    RawRecord,
    ScanResult,
    batch_bounds,
)
from stream_app.worker.scan.plain_scan import read_plain
from stream_app.worker.scan.record_batch import (
    CRC_START,
    HEADER_SIZE,
    UNREADABLE,
    BatchHeader,
    Inflater,
    Parts,
    Payload,
    UnreadableError,
    dissect,
    locate,
    read_headers,
)
from stream_app.worker.scan.sampling import Sampler
from stream_app.worker.scan.search import Hit, Needles, is_match


class BatchScanner:
    """Scans fetched record batches. Not to be shared between threads (it reuses memory).

    Args:
        sampler: decides which skipped records are handed out as samples.
    """

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._sampler = sampler or Sampler(rate=0)
        self._inflater = Inflater()
        self._needles = Needles()

    def scan(self, fetched: Fetched) -> ScanResult:
        """Find the records of a fetch that may be in scope.

        Raises:
            aiokafka.errors.CorruptRecordException: a checksum or a batch's layout is wrong.
            aiokafka.errors.UnsupportedCodecError: a codec nobody knows.
        """
        data = fetched.data
        result = ScanResult.of(fetched)
        aborted = _AbortedTransactions(fetched) if fetched.read_committed else None
        for start, stop in batch_bounds(data):
            result.wire_bytes += stop - start
            if stop - start < HEADER_SIZE or data[start + MAGIC_OFFSET] != 2:
                self._read_plain(fetched, start, stop, result)
                continue
            header = BatchHeader.read(data, start)
            body = data[start + CRC_START : stop]
            if fetched.check_crcs and crc32c(body) != header.crc:
                self._read_plain(fetched, start, stop, result)
                continue
            if aborted is not None and aborted.hide(header, data, start, stop):
                result.to_offset = header.next_offset
                continue
            if header.is_control:
                result.to_offset = header.next_offset
                continue
            try:
                self._scan_batch(header, body, result)
            except UNREADABLE:
                self._read_plain(fetched, start, stop, result)
        return result.completing(fetched)

    def _read_plain(self, fetched: Fetched, start: int, stop: int, result: ScanResult) -> None:
        read_plain(fetched, fetched.data[start:stop], result, self._sampler)

    def _scan_batch(self, header: BatchHeader, body: bytes, result: ScanResult) -> None:
        """Scan one batch. Changes `result` only when all of the batch has been understood."""
        position = result.to_offset
        before = max(0, position - header.base_offset)  # offsets that were read earlier
        if before and not header.is_dense:
            raise UnreadableError(
                "how many of a compacted batch's records are left takes reading them"
            )
        if before > header.last_offset_delta:
            raise UnreadableError("a batch that lies before the position")
        payload = self._inflater.payload(header, body)
        hits = self._needles.find(payload)
        records = self._survivors(header, payload, hits, result) if hits else []
        seen = header.record_count - before
        if self._sampler.draws(seen - len(records)):
            self._sample(header, payload, result)
        result.records += records
        result.seen += seen
        result.batches += 1
        result.skipped_batches += not hits
        result.to_offset = header.next_offset

    def _survivors(
        self, header: BatchHeader, payload: Payload, hits: list[Hit], result: ScanResult
    ) -> list[RawRecord]:
        buffer = payload.buffer
        first_offset_delta = result.to_offset - header.base_offset
        build = _Builder(header, buffer, result)
        survivors = []
        upcoming = iter(hits)
        hit = next(upcoming, None)
        for start, stop in locate(payload, header.record_count, [hit[1] for hit in hits]):
            parts = dissect(buffer, start, stop)
            matches = False
            while hit is not None and hit[1] < stop:
                matches = matches or is_match(buffer, hit, parts[4], parts[5])
                hit = next(upcoming, None)
            has_value = parts[4] >= 0
            if matches and has_value and parts[1] >= first_offset_delta:
                survivors.append(build.record(parts, stop))
        return survivors

    def _sample(self, header: BatchHeader, payload: Payload, result: ScanResult) -> None:
        """Hand out one record at random, unless it is none of the skipped ones."""
        position = self._sampler.position(payload.start, payload.stop)
        ((start, stop),) = locate(payload, header.record_count, [position])
        record = _Builder(header, payload.buffer, result).record(
            dissect(payload.buffer, start, stop), stop
        )
        if record.offset >= result.to_offset and not (
            record.value is not None and may_be_in_scope(record.value)
        ):
            result.samples.append(record)


class _Builder:
    """Builds records of one batch."""

    def __init__(self, header: BatchHeader, buffer: bytes | bytearray, of: ScanResult) -> None:
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._topic = of.topic
        self._partition = of.partition
        self._base_offset = header.base_offset
        self._first_timestamp = header.first_timestamp
        self._timestamp_type = header.timestamp_type
        self._append_time = header.max_timestamp if header.timestamp_type else None

    def record(self, parts: Parts, stop: int) -> RawRecord:
        """One record, copied out of the buffer."""
        timestamp_delta, offset_delta, key_start, key_stop, value_start, value_stop = parts
        return RawRecord(
            self._topic,
            self._partition,
            self._base_offset + offset_delta,
            self._first_timestamp + timestamp_delta
            if self._append_time is None
            else self._append_time,
            self._timestamp_type,
            bytes(self._view[key_start:key_stop]) if key_start >= 0 else None,
            bytes(self._view[value_start:value_stop]) if value_start >= 0 else None,
            read_headers(self._buffer, value_stop, stop),
        )


class _AbortedTransactions:
    """Which producers' transactions are aborted at the place that has been reached."""

    def __init__(self, fetched: Fetched) -> None:
        self._ahead = sorted(fetched.aborted, key=lambda one: one[1], reverse=True)
        self._producers: set[int] = set()

    def hide(self, header: BatchHeader, data: bytes, start: int, stop: int) -> bool:
        """Whether the batch belongs to an aborted transaction; minds its end if it marks one."""
        while self._ahead and self._ahead[-1][1] <= header.base_offset:
            self._producers.add(self._ahead.pop()[0])
        if header.is_control and _is_abort_marker(data[start:stop]):
            self._producers.discard(header.producer_id)
        return header.is_transactional and header.producer_id in self._producers


def _is_abort_marker(batch: bytes) -> bool:
    record = next(DefaultRecordBatch(batch))
    return record.key is not None and ControlRecord.parse(record.key) == ABORT_MARKER
