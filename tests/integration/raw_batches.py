"""Record batches that no well-behaved client library writes, but that a broker takes."""

import google_crc32c
from aiokafka import AIOKafkaProducer

_CHECKED_FROM = 21
"""Where what the checksum covers begins; the checksum itself lies in the four bytes before."""


async def send_with_header_name(
    producer: AIOKafkaProducer, topic: str, partition: int, *, value: bytes, name: bytes
) -> None:
    """Produce one uncompressed record with one header, whose name need not be UTF-8."""
    stand_in = "N" * len(name)
    builder = producer.create_batch()
    builder.append(timestamp=None, key=None, value=value, headers=[(stand_in, b"x")])
    batch = bytes(builder._build()).replace(stand_in.encode(), name)
    crc = google_crc32c.value(batch[_CHECKED_FROM:]).to_bytes(4, "big")
    builder._buffer = bytearray(batch[: _CHECKED_FROM - 4] + crc + batch[_CHECKED_FROM:])
    await (await producer.send_batch(builder, topic, partition=partition))
