"""The broker that all are measured on: topics, data, and what came out."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from msgspec import Struct

from benchmarks.claims import Keyed, Shape, claims, histories
from stream_app.local_kafka import local_kafka

_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
_SECONDS = 60.0
_NOT_YET = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
}
_INBOUND = {"retention.ms": "-1", "max.message.bytes": "1048588"}
"""Of the topics that the platform would own: Kafka's own default size."""

_Answer = TypeVar("_Answer")


class Output(Struct):
    """One decision that a system produced."""

    claim_id: str
    at: float
    """When the broker appended it, in epoch seconds."""


class Cluster:
    """A broker, with the datasets that were laid on it.

    Args:
        servers: where it answers.
        pid: its process.
    """

    def __init__(self, servers: str, pid: int) -> None:
        self.servers, self.pid = servers, pid
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 2})
        self._laid: dict[tuple[Shape, int], str] = {}
        self._histories: dict[int, str] = {}

    def create_inbound(self, topic: str, partitions: int) -> str:
        """Create a topic as the platform would."""
        self._create([topic], partitions, _INBOUND)
        return topic

    def _create(self, topics: Iterable[str], partitions: int, config: dict[str, str]) -> None:
        wanted = [NewTopic(name, partitions, 1, config=config) for name in topics]
        for name, future in self._admin.create_topics(wanted).items():
            future.result(_SECONDS)
            # The broker answers before its metadata tells of the partitions.
            while (
                len(self._admin.list_topics(name, timeout=30).topics[name].partitions) < partitions
            ):
                time.sleep(0.05)

    def create_outputs(self, topics: Iterable[str], partitions: int = 4) -> None:
        """Create topics whose records carry the broker's own time: the clock of all measuring."""
        self._create(topics, partitions, _APPEND_TIME)

    def stamp(self, topics: Iterable[str]) -> None:
        """Let existing topics carry the broker's time."""
        changes = [
            ConfigResource(
                ResourceType.TOPIC,
                name,
                incremental_configs=[
                    ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                    for key, value in _APPEND_TIME.items()
                ],
            )
            for name in topics
        ]
        for future in self._admin.incremental_alter_configs(changes).values():
            future.result(_SECONDS)

    def delete(self, topics: Iterable[str]) -> None:
        """Delete topics, those that are gone included."""
        names = list(topics)
        if not names:
            return
        for future in self._admin.delete_topics(names).values():
            try:
                future.result(_SECONDS)
            except KafkaException:
                continue

    def topics(self, prefix: str) -> list[str]:
        """The topics whose names begin so."""
        return [
            name for name in self._admin.list_topics(timeout=30).topics if name.startswith(prefix)
        ]

    def dataset(self, shape: Shape, count: int) -> str:
        """A topic with the first `count` claims of a shape, laid once."""
        topic = self._laid.get((shape, count))
        if topic is None:
            topic = self.create_inbound(f"claims-{count}-{uuid4().hex[:8]}", shape.partitions)
            self._fill(topic, claims(shape, count), shape.codec, shape.batch_records)
            self._laid[shape, count] = topic
        return topic

    def history(self, partitions: int) -> str:
        """A topic with the histories, one record a member, laid once."""
        if partitions not in self._histories:
            topic = self.create_inbound(f"history-{partitions}-{uuid4().hex[:6]}", partitions)
            self._fill(topic, histories(partitions), "lz4", 1000)
            self._histories[partitions] = topic
        return self._histories[partitions]

    def drop(self, shape: Shape, count: int) -> None:
        """Give a dataset's room back."""
        topic = self._laid.pop((shape, count), None)
        if topic:
            self.delete([topic])

    def _fill(self, topic: str, records: Iterable[Keyed], codec: str, batch_records: int) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self.servers,
                "compression.type": codec,
                "batch.num.messages": batch_records,
                # Batches are to be cut by the number of their records alone.
                "batch.size": 8_000_000,
                "message.max.bytes": 8_000_000,
                "linger.ms": 5_000 if batch_records > 20 else 50,
                "queue.buffering.max.messages": 200_000,
                "queue.buffering.max.kbytes": 400_000,
            }
        )
        for number, record in enumerate(records):
            while True:
                try:
                    producer.produce(topic, record.value, record.key, record.partition)
                    break
                except BufferError:
                    producer.poll(0.05)
            if not number % 1000:
                producer.poll(0)
        if producer.flush(300):
            raise RuntimeError(f"the broker did not take all of {topic}")

    def ends(self, topic: str) -> dict[int, int]:
        """The end offset of each partition."""
        consumer = self._reader()
        try:
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            return {number: _end(consumer, TopicPartition(topic, number)) for number in partitions}
        finally:
            consumer.close()

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """What a group has committed of a topic."""
        consumer = self._reader(group)
        try:
            partitions = consumer.list_topics(topic, timeout=30).topics[topic].partitions
            asked = [TopicPartition(topic, number) for number in partitions]
            found = patiently(lambda: consumer.committed(asked, 30))
            return {one.partition: max(0, one.offset) for one in found}
        finally:
            consumer.close()

    def _reader(self, group: str = "benchmark") -> Consumer:
        return Consumer(
            {"bootstrap.servers": self.servers, "group.id": group, "enable.auto.commit": False}
        )

    @contextmanager
    def outputs(self, topics: list[str]) -> Iterator["Outputs"]:
        """The decisions of one run."""
        consumer = self._reader(f"outputs-{uuid4().hex[:8]}")
        try:
            yield Outputs(consumer, topics)
        finally:
            consumer.close()


class Outputs:
    """Counts decisions while they come, and reads them when all is over."""

    def __init__(self, consumer: Consumer, topics: list[str]) -> None:
        self._consumer = consumer
        self._partitions = [
            TopicPartition(topic, number, 0)
            for topic in topics
            for number in consumer.list_topics(topic, timeout=30).topics[topic].partitions
        ]

    def count(self) -> int:
        """How many there are now."""
        return sum(_end(self._consumer, one) for one in self._partitions)

    def read(self) -> list[Output]:
        """All of them."""
        expected = self.count()
        self._consumer.assign(self._partitions)
        found: list[Output] = []
        while len(found) < expected:
            messages = self._consumer.consume(20_000, 2.0)
            found += [_output(message) for message in messages if message.error() is None]
        return found


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    return patiently(lambda: consumer.get_watermark_offsets(partition, timeout=30)[1])


def patiently(ask: Callable[[], _Answer]) -> _Answer:
    """Ask again while the broker makes up its mind, as a busy one does for seconds."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return ask()
        except KafkaException as failure:
            if failure.args[0].code() not in _NOT_YET or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _output(message: Message) -> Output:
    value = orjson.loads(message.value() or b"{}")
    return Output(value["claim_id"], message.timestamp()[1] / 1000)


@contextmanager
def cluster(data: Path) -> Iterator[Cluster]:
    """A broker of the benchmark's own."""
    with local_kafka(data) as broker:
        yield Cluster(broker.bootstrap_servers, broker.pid)
