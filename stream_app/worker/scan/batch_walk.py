"""The way through a fetch, batch by batch: what each is, and who reads it.

Checksums, markers, aborted transactions and old message formats are dealt with here, as
aiokafka's own reader deals with them; what holds data in today's format goes to a scanner. What
that does not understand is left to aiokafka (`plain_scan.py`), which also raises the errors.
"""

from abc import ABC, abstractmethod

from google_crc32c import value as crc32c

from stream_app.worker.scan.fetched import (
    Fetched,
    RawRecord,
    ScanResult,
    batch_bounds,
)
from stream_app.worker.scan.inflate import Inflater
from stream_app.worker.scan.plain_scan import Wanted, read_plain
from stream_app.worker.scan.record_batch import (
    CRC_START,
    UNREADABLE,
    BatchHeader,
    Parts,
    Payload,
    dissect,
    read_headers,
    walk,
)
from stream_app.worker.scan.sampling import Sampler
from stream_app.worker.scan.transactions import Transactions, header_of


class BatchWalk(ABC):
    """Scans fetched record batches. Not to be shared between threads (it reuses memory).

    Args:
        sampler: decides which skipped records are handed out as samples.
        wanted: which values are not skipped.
    """

    def __init__(self, sampler: Sampler, wanted: Wanted) -> None:
        self._sampler = sampler
        self._wanted = wanted
        self._inflater = Inflater()

    def scan(self, fetched: Fetched) -> ScanResult:
        """Find the records of a fetch that are wanted.

        Raises:
            aiokafka.errors.CorruptRecordException: a checksum or a batch's layout is wrong.
            aiokafka.errors.UnsupportedCodecError: a codec nobody knows.
        """
        data = fetched.data
        result = ScanResult.of(fetched)
        transactions = Transactions(fetched)
        self._sampler.begin(fetched.partition)
        for start, stop in batch_bounds(data):
            result.wire_bytes += stop - start
            header = header_of(data, start, stop)
            if header is None:
                self._read_plain(fetched, start, stop, result)
                continue
            body = data[start + CRC_START : stop]
            if fetched.check_crcs and crc32c(body) != header.crc:
                self._read_plain(fetched, start, stop, result)
                continue
            if header.is_special and transactions.hide(header, data, start, stop):
                result.to_offset = header.next_offset
                continue
            try:
                self._scan_batch(header, body, result)
            except UNREADABLE:
                self._read_plain(fetched, start, stop, result)
        return result.completing(fetched)

    @abstractmethod
    def _scan_batch(self, header: BatchHeader, body: bytes, result: ScanResult) -> None:
        """Scan one batch. Changes `result` only when all of the batch has been understood."""

    def _scan_each(self, header: BatchHeader, payload: Payload, result: ScanResult) -> None:
        """Look at every record of a batch."""
        build = Builder(header, payload.buffer, result)
        records: list[RawRecord] = []
        samples: list[RawRecord] = []
        seen = 0
        for start, stop in walk(payload, header.record_count):
            record = build.record(dissect(payload.buffer, start, stop), stop)
            if record.offset < result.to_offset:
                continue  # read earlier
            seen += 1
            if self._wanted(record.value):
                records.append(record)
            elif self._sampler.draws(1):
                samples.append(record)
        result.records += records
        result.samples += samples
        result.seen += seen
        result.batches += 1
        result.to_offset = header.next_offset

    def _read_plain(self, fetched: Fetched, start: int, stop: int, result: ScanResult) -> None:
        read_plain(fetched, fetched.data[start:stop], result, self._sampler, self._wanted)


class Builder:
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
