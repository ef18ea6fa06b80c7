"""The payload of a record batch, out of any codec, into the same memory where that can be had."""

import zlib
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
            return self._into_scratch(cramjam.lz4, packed)
        if codec == _ZSTD:
            return self._into_scratch(cramjam.zstd, packed)
        if codec == _GZIP:
            return _whole(_gunzip(packed))
        if codec == _SNAPPY:
            return _whole(snappy_decode(packed.tobytes()))
        raise UnreadableError(f"codec {codec}")

    def _into_scratch(self, codec: Any, packed: memoryview) -> Payload:
        try:
            size = codec.decompress_into(packed, self._scratch)
        except cramjam.DecompressionError:  # does not fit, or is broken: then this raises, too
            return _whole(bytes(codec.decompress(packed)))
        return Payload(self._scratch, 0, size)


def _whole(buffer: bytes) -> Payload:
    return Payload(buffer, 0, len(buffer))


def _gunzip(packed: memoryview) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    unpacked: bytes = reader.decompress(packed)
    if not reader.eof or reader.unused_data:
        unpacked = gzip_decode(packed)  # several members, or cut short: not what a producer writes
    return unpacked
