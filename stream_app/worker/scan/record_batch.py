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
from aiokafka.codec import gzip_decode, snappy_decode

CRC_START: Final = 21
"""The checksum of a v2 batch covers everything from its attributes on."""
HEADER_SIZE: Final = 61

_HEADER = struct.Struct(">qiibIhiqqqhii")
_CODEC = 0x07
_LOG_APPEND_TIME = 0x08
_TRANSACTIONAL = 0x10
_CONTROL = 0x20
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4

_SCRATCH_BYTES = 4 << 20
"""Room that is kept for decompressing into; a larger payload gets memory of its own."""
_LZ4_FRAME = struct.Struct("<IBB")
_LZ4_MAGIC = 0x184D2204
_LZ4_UNCOMPRESSED = 0x8000_0000


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


class Inflater:
    """Decompresses payloads, into the same memory again and again where the codec lets it."""

    def __init__(self) -> None:
        self._scratch = bytearray(_SCRATCH_BYTES)

    def payload(self, header: BatchHeader, body: bytes) -> Payload:
        """The records behind `header`.

        Args:
            header: says how they are compressed.
            body: everything that the checksum covers, so 40 bytes of header first.
        """
        start = HEADER_SIZE - CRC_START
        codec = header.attributes & _CODEC
        if not codec:
            return Payload(body, start, len(body))
        packed = memoryview(body)[start:]
        if codec == _LZ4:
            return self._lz4(packed)
        if codec == _ZSTD:
            return self._zstd(packed)
        if codec == _GZIP:
            return _whole(_gunzip(packed))
        if codec == _SNAPPY:
            return _whole(snappy_decode(packed.tobytes()))
        raise UnreadableError(f"codec {codec}")

    def _lz4(self, packed: memoryview) -> Payload:
        """Block by block: a third cheaper than a general frame reader, which copies twice."""
        blocks, block_size = _lz4_blocks(packed)
        if not blocks:
            return _whole(bytes(cramjam.lz4.decompress(packed)))
        room = len(blocks) * block_size
        buffer = self._scratch if room <= len(self._scratch) else bytearray(room)
        view = memoryview(buffer)
        filled = 0
        for start, size, is_stored in blocks:
            block = packed[start : start + size]
            if is_stored:
                view[filled : filled + size] = block
                filled += size
            else:
                filled += cramjam.lz4.decompress_block_into(
                    block, view[filled : filled + block_size], block_size
                )
        return Payload(buffer, 0, filled)

    def _zstd(self, packed: memoryview) -> Payload:
        try:
            size = cramjam.zstd.decompress_into(packed, self._scratch)
        except cramjam.DecompressionError:  # does not fit, or is broken: then this raises, too
            return _whole(bytes(cramjam.zstd.decompress(packed)))
        return Payload(self._scratch, 0, size)


def _whole(buffer: bytes) -> Payload:
    return Payload(buffer, 0, len(buffer))


def _gunzip(packed: memoryview) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    unpacked: bytes = reader.decompress(packed)
    if not reader.eof or reader.unused_data:
        unpacked = gzip_decode(packed)  # several members, or cut short: not what a producer writes
    return unpacked


def _lz4_blocks(packed: memoryview) -> tuple[list[tuple[int, int, bool]], int]:
    """Where the blocks of an LZ4 frame lie: (start, size, stored uncompressed) of each.

    Returns:
        The blocks and the most that one of them may unpack to. No blocks when the frame is
        unusual (blocks that lean on each other, a dictionary, a second frame): such a frame is
        for a general reader.
    """
    magic, flags, descriptor = _LZ4_FRAME.unpack_from(packed)
    # Version 01, independent blocks, reserved bit clear, no dictionary.
    if magic != _LZ4_MAGIC or flags & 0b1110_0011 != 0b0110_0000:
        return [], 0
    block_size = 1 << (8 + 2 * (descriptor >> 4 & 7))
    at = 7 + (8 if flags & 0b1000 else 0)  # the content size is optional
    block_trailer = 4 if flags & 0b1_0000 else 0
    blocks: list[tuple[int, int, bool]] = []
    while True:
        (size,) = struct.unpack_from("<I", packed, at)
        at += 4
        if not size:
            break
        is_stored = size >= _LZ4_UNCOMPRESSED
        size &= _LZ4_UNCOMPRESSED - 1
        blocks.append((at, size, is_stored))
        at += size + block_trailer
    at += 4 if flags & 0b100 else 0  # the checksum of the content; the batch has its own
    return (blocks, block_size) if at == len(packed) else ([], 0)


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
    found: list[tuple[int, int]] = []
    wanted = iter(hits)
    hit = next(wanted, -1)
    if hit < 0:
        return found
    for _ in range(count):
        length = buffer[at]
        byte = buffer[at + 1]
        if length >= 0x80 > byte and not length & 1:
            # Two bytes, as for records of 64 to 8,191 bytes: this loop is what a hit costs.
            start = at + 2
            at = start + (length + (byte - 1 << 7) >> 1)
        else:
            length, start = read_varint(buffer, at)
            if length < 0:
                raise UnreadableError("negative record length")
            at = start + length
        if hit < at:
            if at > end:
                raise UnreadableError("record length out of bounds")
            found.append((start, at))
            while hit < at:
                hit = next(wanted, -1)
                if hit < 0:
                    return found
    raise UnreadableError("a position behind the last record")


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
