"""The payload of a record batch, out of any codec, into the same memory where that can be had."""

import zlib
from struct import Struct
from typing import Any

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

_FRAME = Struct("<IB2xI")
"""How an LZ4 frame begins: magic number, flags, and the size of its first block."""
_MAGIC = 0x184D2204
_HAS_DICTIONARY, _HAS_CONTENT_CHECKSUM, _HAS_CONTENT_SIZE, _HAS_BLOCK_CHECKSUMS = 1, 4, 8, 16
_HAS_MORE_IN_FRONT = _HAS_DICTIONARY | _HAS_CONTENT_SIZE
_END_MARK_BYTES = 4
_CHECKSUM_BYTES = 4

_SCRATCH_BYTES = 4 << 20
"""Room that is kept for decompressing into; a larger payload gets memory of its own."""


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
            return self._into_scratch(cramjam.zstd, packed)
        if codec == _GZIP:
            return _whole(_gunzip(packed))
        if codec == _SNAPPY:
            return _whole(snappy_decode(packed.tobytes()))
        raise UnreadableError(f"codec {codec}")

    def _lz4(self, frame: memoryview) -> Payload:
        block = _only_block(frame)
        if block is not None:
            try:
                size = cramjam.lz4.decompress_block_into(
                    block, self._scratch, output_len=_SCRATCH_BYTES
                )
            except cramjam.DecompressionError:
                pass  # whatever is wrong with it, the frame's decoder finds
            else:
                return Payload(self._scratch, 0, size)
        return self._into_scratch(cramjam.lz4, frame)

    def _into_scratch(self, codec: Any, packed: memoryview) -> Payload:
        try:
            size = codec.decompress_into(packed, self._scratch)
        except cramjam.DecompressionError:  # does not fit, or is broken: then this raises, too
            return _whole(bytes(codec.decompress(packed)))
        return Payload(self._scratch, 0, size)


def _only_block(frame: memoryview) -> memoryview | None:
    """The block of an LZ4 frame that holds just one, compressed, as small record batches do.

    Before it begins the decoder of frames clears memory, for eight times as long as it takes to
    unpack a claim. The frame's checksums are passed over: that of the batch covers the same bytes.
    """
    magic, flags, size = _FRAME.unpack_from(frame)
    if magic != _MAGIC or flags & _HAS_MORE_IN_FRONT:
        return None
    stop = _FRAME.size + size
    behind = _END_MARK_BYTES
    if flags & _HAS_CONTENT_CHECKSUM:
        behind += _CHECKSUM_BYTES
    if flags & _HAS_BLOCK_CHECKSUMS:
        behind += _CHECKSUM_BYTES
    # Of a block that is stored as it is, the size has its highest bit set and fits no frame.
    return frame[_FRAME.size : stop] if stop + behind == len(frame) else None


def _whole(buffer: bytes) -> Payload:
    return Payload(buffer, 0, len(buffer))


def _gunzip(packed: memoryview) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    unpacked: bytes = reader.decompress(packed)
    if not reader.eof or reader.unused_data:
        unpacked = gzip_decode(packed)  # several members, or cut short: not what a producer writes
    return unpacked
