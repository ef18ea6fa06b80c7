"""The scan of the high-volume core: record batches in, the few records that may matter out.

A batch is checked, decompressed and searched as one stretch of bytes. Without a hit its records
are counted from its header and never parsed; with one, only the records around the hits are.
What is delivered is exactly what `stream_app.pipeline.scope.may_be_in_scope` lets through, record
by record, and the position moves exactly as aiokafka's own reader would move it. Which batches
come here at all, and what becomes of one that does not look as it should: `batch_walk.py`.
"""

from stream_app.worker.scan.batch_walk import BatchWalk, Builder
from stream_app.worker.scan.fetched import RawRecord, ScanResult
from stream_app.worker.scan.plain_scan import may_matter
from stream_app.worker.scan.record_batch import (
    BatchHeader,
    Payload,
    UnreadableError,
    dissect,
    locate,
)
from stream_app.worker.scan.sampling import Sampler
from stream_app.worker.scan.search import Hit, Needles, is_match


class BatchScanner(BatchWalk):
    """Searches whole batches. Not to be shared between threads (it reuses memory).

    Args:
        sampler: decides which skipped records are handed out as samples.
    """

    def __init__(self, sampler: Sampler | None = None) -> None:
        super().__init__(sampler or Sampler(rate=0), may_matter)
        self._needles = Needles()

    def _scan_batch(self, header: BatchHeader, body: bytes, result: ScanResult) -> None:
        position = result.to_offset
        before = max(0, position - header.base_offset)  # offsets that were read earlier
        if before > header.last_offset_delta:
            raise UnreadableError("a batch that lies before the position")
        payload = self._inflater.payload(header, body)
        if before and not header.is_dense:
            # How many of a compacted batch's records are left takes reading them.
            self._scan_each(header, payload, result)
            return
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
        build = Builder(header, buffer, result)
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
        record = Builder(header, payload.buffer, result).record(
            dissect(payload.buffer, start, stop), stop
        )
        if record.offset >= result.to_offset and not may_matter(record.value):
            result.samples.append(record)
