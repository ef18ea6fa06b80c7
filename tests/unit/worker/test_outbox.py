"""Where records go, in which batches, and that none counts before the broker has it."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import RecordMetadata
from hypothesis import given
from hypothesis import strategies as st

from stream_app.worker.murmur2 import murmur2, partition_of
from stream_app.worker.outbox import Outbox, Turns, partition_of_member

# From Apache Kafka's own tests (UtilsTest.testMurmur2): text and hash, as Java's signed int.
JAVA_MURMUR2 = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "hashed"), JAVA_MURMUR2)
@pytest.mark.parametrize("partitions", [1, 6, 12, 1000])
def test_partition_is_the_one_of_the_java_client_when_keys_are_equal(
    key: bytes, hashed: int, partitions: int
) -> None:
    assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


@given(st.binary(max_size=70))
def test_partition_is_the_one_of_aiokafka_whatever_the_key(key: bytes) -> None:
    """It is the one that other producers use, and that our own used to."""
    assert murmur2(key) == aiokafka_murmur2(key)


def test_member_lies_by_the_utf8_of_its_id_when_it_is_not_ascii() -> None:
    assert partition_of_member("Ärztin-\u3042", 997) == partition_of("Ärztin-\u3042".encode(), 997)


class FakeProducer:
    """Takes record batches; acknowledges or refuses them when told."""

    def __init__(self, batch_bytes: int = 1000) -> None:
        self.batch_bytes = batch_bytes
        self.batches: list[tuple[str, int, BatchBuilder, asyncio.Future[RecordMetadata]]] = []

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(self.batch_bytes, 0)

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[RecordMetadata]:
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self.batches.append((topic, partition, batch, future))
        return future

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(6))

    def acknowledge(self, base: int = 100) -> None:
        for topic, partition, _, future in self.batches:
            if not future.done():
                future.set_result(
                    RecordMetadata(topic, partition, None, base, -1, 0, 0)  # type: ignore[arg-type]
                )

    def records(self) -> list[tuple[str, int, bytes | None, bytes | None]]:
        return [
            (topic, partition, record.key, record.value)
            for topic, partition, batch, _ in self.batches
            for record in DefaultRecordBatch(bytes(batch._build()))
        ]


async def _acknowledged(outbox: Outbox, producer: FakeProducer) -> list[tuple[str, int, int]]:
    waiting = asyncio.ensure_future(outbox.acknowledged())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done(), "nothing is acknowledged before the broker says so"
    producer.acknowledge()
    return await waiting


async def test_records_of_a_partition_travel_in_one_batch_when_sent_together() -> None:
    producer: Any = FakeProducer()
    outbox = Outbox(producer, 10_000)
    for number in range(4):
        await outbox.send("t", key=b"k%d" % number, value=b"v", partition=number % 2)
    await outbox.send("u", key=b"abc", value=None)
    assert await _acknowledged(outbox, producer) == [("t", 0, 101), ("t", 1, 101), ("u", 3, 100)]
    assert producer.records() == [
        ("t", 0, b"k0", b"v"),
        ("t", 0, b"k2", b"v"),
        ("t", 1, b"k1", b"v"),
        ("t", 1, b"k3", b"v"),
        ("u", 3, b"abc", None),
    ]


async def test_order_of_a_partition_is_kept_when_a_batch_is_full() -> None:
    producer: Any = FakeProducer(batch_bytes=300)
    outbox = Outbox(producer, 10_000)
    for number in range(20):
        await outbox.send("t", key=b"%02d" % number, value=b"x" * 50, partition=3)
    await _acknowledged(outbox, producer)
    assert len(producer.batches) > 1
    assert [key for _, _, key, _ in producer.records()] == [b"%02d" % n for n in range(20)]


async def test_record_larger_than_a_batch_is_sent_when_it_may_be() -> None:
    producer: Any = FakeProducer(batch_bytes=300)
    outbox = Outbox(producer, 10_000)
    await outbox.send("t", key=b"small", value=b"1", partition=0)
    await outbox.send("t", key=b"large", value=b"x" * 5000, partition=0)
    await _acknowledged(outbox, producer)
    assert [key for _, _, key, _ in producer.records()] == [b"small", b"large"]


@pytest.mark.parametrize("where", ["key", "value", "headers"])
async def test_record_is_refused_and_nothing_sent_when_it_is_too_large(where: str) -> None:
    producer: Any = FakeProducer()
    outbox = Outbox(producer, 2_000)
    record: dict[str, Any] = {"key": b"k", "value": b"v", "headers": []}
    record[where] = [("h", b"x" * 2_000)] if where == "headers" else b"x" * 2_000
    with pytest.raises(MessageSizeTooLargeError):
        await outbox.send("t", partition=0, **record)
    assert await outbox.acknowledged() == []
    assert producer.batches == []


async def test_failure_is_raised_when_the_broker_refuses_one_batch() -> None:
    producer: Any = FakeProducer()
    outbox = Outbox(producer, 10_000)
    await outbox.send("t", key=None, value=b"v", partition=0)
    await outbox.send("t", key=None, value=b"v", partition=1)
    waiting = asyncio.ensure_future(outbox.acknowledged())
    for _ in range(5):
        await asyncio.sleep(0)
    producer.batches[1][3].set_exception(RecordListTooLargeError())
    with pytest.raises(RecordListTooLargeError):
        await waiting
    producer.acknowledge()


async def test_nothing_is_waited_for_when_nothing_was_sent() -> None:
    producer: Any = FakeProducer()
    assert await Outbox(producer, 100).acknowledged() == []


class FullProducer(FakeProducer):
    """Has no room before it is told so; counts who waits for it, by partition."""

    def __init__(self) -> None:
        super().__init__()
        self.room = asyncio.Event()
        self.waiting: list[int] = []

    async def send_batch(
        self, batch: BatchBuilder, topic: str, *, partition: int
    ) -> asyncio.Future[RecordMetadata]:
        self.waiting.append(partition)
        await self.room.wait()
        return await super().send_batch(batch, topic, partition=partition)


async def test_one_waits_for_room_in_a_partition_and_the_rest_for_their_turn_when_it_is_full() -> (
    None
):
    """aiokafka gives up within seconds on some of many that wait for the same partition."""
    producer, turns = FullProducer(), Turns()
    handing_over = []
    for number in range(4):
        outbox = Outbox(producer, 10_000, turns)  # type: ignore[arg-type]
        await outbox.send("t", key=b"k", value=b"%d" % number, partition=number // 3)
        handing_over.append(asyncio.ensure_future(outbox.acknowledged()))
    await asyncio.sleep(0.01)
    assert producer.waiting == [0, 1]
    producer.room.set()
    await asyncio.sleep(0.01)
    assert producer.waiting == [0, 1, 0, 0]
    for task in handing_over:
        task.cancel()
