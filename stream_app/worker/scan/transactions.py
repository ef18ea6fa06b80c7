"""Which record batches hold data that a reader is to see: markers and aborted ones do not."""

from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch

from stream_app.worker.scan.fetched import MAGIC_OFFSET, Fetched
from stream_app.worker.scan.record_batch import HEADER_SIZE, BatchHeader


def header_of(data: bytes, start: int, stop: int) -> BatchHeader | None:
    """The header of a batch in today's format; the older ones know no transactions."""
    if stop - start < HEADER_SIZE or data[start + MAGIC_OFFSET] != 2:
        return None
    return BatchHeader.read(data, start)


class Transactions:
    """Follows the transactions of a fetch, batch by batch, as aiokafka's reader does."""

    def __init__(self, fetched: Fetched) -> None:
        self._is_followed = fetched.read_committed
        self._ahead = sorted(fetched.aborted, key=lambda one: one[1], reverse=True)
        self._producers: set[int] = set()

    def hide(self, header: BatchHeader, data: bytes, start: int, stop: int) -> bool:
        """Whether a batch is a marker or part of an aborted transaction.

        Call it for each batch that `is_special`, in their order.
        """
        if self._is_followed and self._is_aborted(header, data, start, stop):
            return True
        return header.is_control

    def _is_aborted(self, header: BatchHeader, data: bytes, start: int, stop: int) -> bool:
        while self._ahead and self._ahead[-1][1] <= header.base_offset:
            self._producers.add(self._ahead.pop()[0])
        if header.is_control and _is_abort_marker(data[start:stop]):
            self._producers.discard(header.producer_id)
        return header.is_transactional and header.producer_id in self._producers


def _is_abort_marker(batch: bytes) -> bool:
    record = next(DefaultRecordBatch(batch))
    return record.key is not None and ControlRecord.parse(record.key) == ABORT_MARKER
