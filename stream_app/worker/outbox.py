"""What a batch sends, and the broker's acknowledgement of all of it."""

import asyncio
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.structs import RecordMetadata

from stream_app.worker.batch import Headers


@lru_cache(maxsize=65_536)
def partition_of(member_id: str, partitions: int) -> int:
    """The partition that owns a member: Java's default partitioner over the UTF-8 bytes."""
    return int(murmur2(member_id.encode()) & 0x7FFFFFFF) % partitions


class Outbox:
    """Records sent on behalf of one batch.

    Nothing may be called done before `acknowledged` has returned; a failed delivery raises there
    and so stops the worker before the input is committed.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._pending: list[asyncio.Future[RecordMetadata]] = []

    async def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> None:
        future: Any = await self._producer.send(
            topic,
            key=key,
            value=value,
            headers=headers,
            partition=partition,
            timestamp_ms=timestamp_ms,
        )
        self._pending.append(future)

    async def acknowledged(self) -> list[RecordMetadata]:
        """Wait for the broker's word on every record sent so far, in order of sending.

        Raises:
            aiokafka.errors.KafkaError: the broker refused one of them.
        """
        pending, self._pending = self._pending, []
        return await asyncio.gather(*pending) if pending else []
