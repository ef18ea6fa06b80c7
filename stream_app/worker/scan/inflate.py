"""The payload of a record batch, out of any codec, into the same memory where that can be had."""

import struct
import zlib

import cramjam
from aiokafka.codec import gzip_decode, snappy_decode

from stream_app.worker.scan.record_batch import (
    CRC_START,
    HEADER_SIZE,
    BatchHeader,
    Payload,
    UnreadableError,
)

_CODEC = 0x07
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4

_SCRATCH_BYTES = 4 << 20
"""Room that is kept for decompressing into; a larger payload gets memory of its own."""
_LZ4_FRAME = struct.Struct("<IBB")
_LZ4_MAGIC = 0x184D2204
_LZ4_UNCOMPRESSED = 0x8000_0000


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
