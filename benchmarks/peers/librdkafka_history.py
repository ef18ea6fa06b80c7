"""The history, read into memory before the claims: for the peers on librdkafka."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from decision import row


def read_history(
    servers: str, topic: str, row: Callable[[bytes], tuple[str, Any]] = row
) -> dict[str, Any]:
    """The latest transplant of each member, as `row` reads an event."""
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "unused", "enable.auto.commit": False}
    )
    numbers = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    partitions = [TopicPartition(topic, number, 0) for number in numbers]
    left = sum(consumer.get_watermark_offsets(one, timeout=30)[1] for one in partitions)
    consumer.assign(partitions)
    history = {}
    while left:
        for message in consumer.consume(10_000, 1.0):
            if message.error() is None:
                member, transplant = row(message.value())
                history[member] = transplant
                left -= 1
    consumer.close()
    return history
