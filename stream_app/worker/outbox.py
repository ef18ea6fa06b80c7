"""What a batch sends, and the broker's acknowledgement of all of it."""

import asyncio
from functools import lru_cache
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from stream_app.worker.batch import Headers
from stream_app.worker.murmur2 import partition_of

_RECORD_OVERHEAD = 64
"""More than the lengths, deltas and attributes of a record take."""
_HEADER_OVERHEAD = 10


@lru_cache(maxsize=65_536)
def partition_of_member(member_id: str, partitions: int) -> int:
    """The partition that owns a member, in every topic and table that is laid out by member."""
    return partition_of(member_id.encode(), partitions)


class _Sent(NamedTuple):
    topic: str
    partition: int
    records: int
    acknowledged: "asyncio.Future[RecordMetadata]"


class Turns:
    """Who hands over to a partition next: one at a time, first come, first served.

    aiokafka lets all who wait for room in a partition run for it at once, and counts the whole of
    each one's wait again every time it loses: under a backlog one in many is given up within
    seconds.
    """

    def __init__(self) -> None:
        self._turns: dict[tuple[str, int], asyncio.Lock] = {}

    def of(self, topic: str, partition: int) -> asyncio.Lock:
        """To be held while a record batch is handed over."""
        return self._turns.setdefault((topic, partition), asyncio.Lock())


class Outbox:
    """Records sent on behalf of one batch, gathered into one record batch a partition.

    Nothing may be called done before `acknowledged` has returned; a failed delivery raises there
    and so stops the worker before the input is committed.

    Args:
        producer: started, idempotent.
        max_record_bytes: the largest record that may be sent.
        turns: shared by all outboxes of the producer; may be left out where there is one.
    """

    def __init__(
        self, producer: AIOKafkaProducer, max_record_bytes: int, turns: Turns | None = None
    ) -> None:
        self._producer = producer
        self._turns = turns or Turns()
        self._max_record_bytes = max_record_bytes
        self._gathering: dict[tuple[str, int], BatchBuilder] = {}
        self._sent: list[_Sent] = []
        self._partitions: dict[str, int] = {}

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
        """Send one record, in order with the others of its partition.

        Args:
            topic: where to.
            key: decides the partition where none is given.
            value: None is a tombstone.
            headers: as they are to stand in the record.
            partition: where the key does not decide.
            timestamp_ms: epoch milliseconds; now where none is given.

        Raises:
            MessageSizeTooLargeError: the record is too large; nothing was sent.
        """
        size = len(key or b"") + len(value or b"") + _RECORD_OVERHEAD
        for name, text in headers:
            size += len(name) + len(text or b"") + _HEADER_OVERHEAD
        if size > self._max_record_bytes:
            raise MessageSizeTooLargeError(f"a record of about {size} bytes")
        if partition is None:
            count = self._partitions.get(topic) or await self._partition_count(topic)
            partition = partition_of(key or b"", count)
        place, headers = (topic, partition), list(headers)
        builder = self._gathering.get(place)
        while (
            builder is None
            or builder.append(timestamp=timestamp_ms, key=key, value=value, headers=headers) is None
        ):
            if builder is not None:
                if not builder.record_count():
                    raise MessageSizeTooLargeError(f"a record of about {size} bytes")
                await self._hand_over(topic, partition, builder)
            builder = self._gathering[place] = self._producer.create_batch()

    async def acknowledged(self) -> list[tuple[str, int, int]]:
        """Wait for the broker's word on every record sent so far.

        Returns:
            (topic, partition, offset of the last record) of each record batch.

        Raises:
            aiokafka.errors.KafkaError: the broker refused one of them.
        """
        gathering, self._gathering = self._gathering, {}
        for (topic, partition), builder in gathering.items():
            await self._hand_over(topic, partition, builder)
        sent, self._sent = self._sent, []
        if not sent:
            return []
        metadata = await asyncio.gather(*(batch.acknowledged for batch in sent))
        return [
            (batch.topic, batch.partition, first.offset + batch.records - 1)
            for batch, first in zip(sent, metadata, strict=True)
        ]

    async def _hand_over(self, topic: str, partition: int, builder: BatchBuilder) -> None:
        builder.close()
        async with self._turns.of(topic, partition):
            future: Any = await self._producer.send_batch(builder, topic, partition=partition)
        self._sent.append(_Sent(topic, partition, builder.record_count(), future))

    async def _partition_count(self, topic: str) -> int:
        count = self._partitions[topic] = len(await self._producer.partitions_for(topic))
        return count
