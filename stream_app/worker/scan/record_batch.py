"""Kafka's record batches (message format v2) as bytes: no consumer, no network, no predicate.

A batch is a header of 61 bytes and a payload of records, which may be compressed as a whole. The
scan searches payloads and parses only the records it was led to, so what stands here answers
with positions inside a payload instead of building one record after the other.

Whatever does not look as it should raises one of `UNREADABLE`: the caller then lets aiokafka read
the batch.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import cramjam

CRC_START: Final = 21
"""The checksum of a v2 batch covers everything from its attributes on."""
HEADER_SIZE: Final = 61

_HEADER = struct.Struct(">qiibIhiqqqhii")
_LOG_APPEND_TIME = 0x08
_TRANSACTIONAL = 0x10
_CONTROL = 0x20


class UnreadableError(Exception):
    """The batch is not laid out the way this module knows."""


UNREADABLE = (
    UnreadableError,
    ValueError,
    IndexError,
    struct.error,
    zlib.error,
    cramjam.DecompressionError,
)


class BatchHeader(NamedTuple):
    """The fields of a v2 batch header, in their order on the wire."""

    base_offset: int
    length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    @classmethod
    def read(cls, data: bytes, start: int) -> "BatchHeader":
        """The header at `start`, whose magic is 2 and which is whole."""
        return cls._make(_HEADER.unpack_from(data, start))

    @property
    def next_offset(self) -> int:
        """Right behind the batch. The last offset outlives compaction, the last record may not."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def is_dense(self) -> bool:
        """Whether every offset of the batch has its record: nothing was compacted away."""
        return self.record_count == self.last_offset_delta + 1

    @property
    def is_special(self) -> bool:
        """Whether it has to do with a transaction at all."""
        return bool(self.attributes & (_TRANSACTIONAL | _CONTROL))

    @property
    def is_control(self) -> bool:
        """Whether it holds a transaction's marker instead of data."""
        return bool(self.attributes & _CONTROL)

    @property
    def is_transactional(self) -> bool:
        """Whether it is part of a transaction, its marker included."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def timestamp_type(self) -> int:
        """0: set by the producer, 1: by the broker, one for the whole batch."""
        return int(bool(self.attributes & _LOG_APPEND_TIME))


class Payload(NamedTuple):
    """The records of one batch, uncompressed: `buffer[start:stop]`.

    The buffer may be scratch memory that the next batch overwrites: copy what is to stay.
    """

    buffer: bytes | bytearray
    start: int
    stop: int


def read_varint(buffer: bytes | bytearray, at: int) -> tuple[int, int]:
    """A zigzag varint: its value, and the position behind it."""
    value = buffer[at]
    if value < 0x80:
        return value >> 1 ^ -(value & 1), at + 1
    byte = buffer[at + 1]
    if byte < 0x80:
        value += (byte - 1) << 7
        return value >> 1 ^ -(value & 1), at + 2
    value &= 0x7F
    shift = 0
    while byte >= 0x80:
        shift += 7
        at += 1
        if shift >= 64:
            raise UnreadableError("varint too long")
        byte = buffer[at]
        value |= (byte & 0x7F) << shift
    return value >> 1 ^ -(value & 1), at + 1


_FAR = 1 << 40
_LOW = tuple(
    2 + (byte - 0x80 >> 1) if byte >= 0x80 and not byte & 1 else _FAR for byte in range(256)
)
_HIGH = tuple(byte << 6 if byte < 0x80 else _FAR for byte in range(256))
"""What the two bytes of a length add to a position, themselves included: lengths of 64 to 8,191
bytes take two. Any other leads behind the end of every payload, and is then read with care."""


def locate(payload: Payload, count: int, hits: Sequence[int]) -> list[tuple[int, int]]:
    """The records in which positions of a payload lie, found by their length alone.

    Args:
        payload: the records.
        count: how many they are.
        hits: positions in the payload's buffer, ascending.

    Returns:
        (start, stop) of each such record, behind its length, ascending.
    """
    buffer, at, end = payload
    low, high = _LOW, _HIGH
    found: list[tuple[int, int]] = []
    left, before, start = count, at, at
    for hit in hits:
        if hit < at:
            continue  # the record that was found last holds this one, too
        while at <= hit:
            while at <= hit:  # nothing else in this loop: it is what a hit costs
                left -= 1
                before = at
                at += low[buffer[at]] + high[buffer[at + 1]]
            start = before + 2
            if at > end:
                length, start = read_varint(buffer, before)
                at = start + length
                if length < 0 or at > end:
                    raise UnreadableError("record length out of bounds")
        if left < 0:
            raise UnreadableError("a position behind the last record")
        found.append((start, at))
    return found


def walk(payload: Payload, count: int) -> Iterator[tuple[int, int]]:
    """Where each of the records of a payload lies: (start, stop), behind its length."""
    buffer, at, end = payload
    for _ in range(count):
        length, start = read_varint(buffer, at)
        at = start + length
        if length < 0 or at > end:
            raise UnreadableError("record length out of bounds")
        yield start, at
    if at != end:
        raise UnreadableError("bytes behind the last record")


Parts = tuple[int, int, int, int, int, int]
"""Timestamp delta, offset delta, start and stop of the key, start and stop of the value. Starts and
stops are positions in the payload's buffer; a null key or value starts at -1. Headers lie between
the value's stop and the record's."""


def dissect(buffer: bytes | bytearray, start: int, stop: int) -> Parts:
    """Take one record apart, up to its headers. It lies in `[start, stop)`, behind its length."""
    timestamp_delta, at = read_varint(buffer, start + 1)  # behind one unused byte of attributes
    offset_delta, at = read_varint(buffer, at)
    size, key_start = read_varint(buffer, at)
    key_stop = key_start
    if size >= 0:
        key_stop += size
    else:
        key_start = -1
    size, value_start = read_varint(buffer, key_stop)
    value_stop = value_start
    if size >= 0:
        value_stop += size
    else:
        value_start = -1
    if value_stop >= stop:
        raise UnreadableError("a record's parts exceed it")
    return timestamp_delta, offset_delta, key_start, key_stop, value_start, value_stop


def read_headers(
    buffer: bytes | bytearray, start: int, stop: int
) -> tuple[tuple[str, bytes | None], ...]:
    """A record's headers. They must end exactly where the record does, at `stop`."""
    if start + 1 == stop and not buffer[start]:
        return ()
    count, at = read_varint(buffer, start)
    if count < 0:
        raise UnreadableError("negative number of headers")
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        size, at = read_varint(buffer, at)
        if size < 0 or at + size > stop:
            raise UnreadableError("header key out of bounds")
        # Kafka lets any bytes be a name; one that is no text must not block the partition.
        key = buffer[at : at + size].decode(errors="replace")
        size, at = read_varint(buffer, at + size)
        if size < 0:
            headers.append((key, None))
        else:
            headers.append((key, bytes(buffer[at : at + size])))
            at += size
        if at > stop:
            raise UnreadableError("header value out of bounds")
    if at != stop:
        raise UnreadableError("a record is not as long as it says")
    return tuple(headers)
