"""What goes into a scan and what comes out."""

import struct
from collections.abc import Iterator

from aiokafka.errors import CorruptRecordException
from msgspec import Struct, field

LOG_OVERHEAD = 12
"""Base offset and length: what stands before the bytes that the length counts, in any format."""
MAGIC_OFFSET = 16
"""Where the number of the format stands, in any format."""

_LENGTH = struct.Struct(">i")
_OFFSET = struct.Struct(">q")
_LAST_OFFSET_DELTA = struct.Struct(">i")
_LENGTH_AT = 8
_LAST_OFFSET_DELTA_AT = 23
_HEADER_SIZE = 61


class Fetched(Struct, frozen=True, gc=False):
    """What a broker sent of one partition: whole record batches, perhaps a cut one behind them.

    `[from_offset, to_offset)` is known from the batches' headers alone, before anything is
    decompressed, so that the range can be booked and the next fetch asked for first.
    """

    topic: str
    partition: int
    from_offset: int
    """The fetch position. The first batch may start before it."""
    to_offset: int
    """Right behind the last whole batch."""
    data: bytes
    aborted: tuple[tuple[int, int], ...] = ()
    """Aborted transactions as the broker named them: (producer id, first offset)."""
    read_committed: bool = False
    check_crcs: bool = True


class RawRecord(Struct, frozen=True, gc=False):
    """One Kafka record, with aiokafka's names."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Epoch milliseconds."""
    timestamp_type: int
    """0: set by the producer, 1: by the broker."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class ScanResult(Struct):
    """What was found in the range `[from_offset, to_offset)` of one partition."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    records: list[RawRecord] = field(default_factory=list)
    """Those that may be in scope, by offset."""
    seen: int = 0
    """Records a plain reader would have delivered: these and the skipped ones."""
    wire_bytes: int = 0
    """Of the whole record batches, as they came (compressed, batches behind markers included)."""
    batches: int = 0
    """Record batches with data, neither markers nor aborted."""
    skipped_batches: int = 0
    """Of those: batches of which no record was even located."""
    plain_batches: int = 0
    """Of those: batches that aiokafka's own reader had to take apart."""
    samples: list[RawRecord] = field(default_factory=list)
    """A few of the skipped records, for validation off the path."""

    @classmethod
    def of(cls, fetched: Fetched) -> "ScanResult":
        """Nothing found yet, and nothing of the range covered."""
        return cls(
            fetched.topic, fetched.partition, fetched.from_offset, to_offset=fetched.from_offset
        )

    def completing(self, fetched: Fetched) -> "ScanResult":
        """This, once it covers all that was fetched.

        Raises:
            CorruptRecordException: it ends elsewhere than the batches' headers said.
        """
        if self.to_offset != fetched.to_offset:
            raise CorruptRecordException(
                f"read up to {self.to_offset}, not {fetched.to_offset}: "
                f"{fetched.topic}[{fetched.partition}] from {fetched.from_offset}"
            )
        return self


def batch_bounds(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the whole record batches lie: (start, stop) of each, in any message format."""
    start, end = 0, len(data)
    while start + LOG_OVERHEAD <= end:
        (length,) = _LENGTH.unpack_from(data, start + _LENGTH_AT)
        stop = start + LOG_OVERHEAD + length
        if stop - start <= MAGIC_OFFSET or stop > end:
            return
        yield start, stop
        start = stop


def end_offset(data: bytes, position: int) -> int:
    """The fetch position after all whole batches of `data`, read from their headers."""
    last = last_stop = -1
    for last, last_stop in batch_bounds(data):  # noqa: B007  (the last pair is what is wanted)
        pass
    if last < 0:
        return position
    offset: int
    (offset,) = _OFFSET.unpack_from(data, last)
    if data[last + MAGIC_OFFSET] >= 2 and last_stop - last >= _HEADER_SIZE:
        offset += _LAST_OFFSET_DELTA.unpack_from(data, last + _LAST_OFFSET_DELTA_AT)[0]
    return max(position, offset + 1)
