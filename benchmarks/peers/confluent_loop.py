"""confluent-kafka in a loop, with a prefilter on the bytes and librdkafka tuned for throughput.

Arguments: bootstrap servers, claims topic, history topic, output topic, group.
"""

import os
import sys
import time

from confluent_kafka import Consumer, Producer
from decision import decide, may_matter
from librdkafka_history import read_history

COMMIT_SECONDS = 1.0


def main(servers: str, claims: str, history_topic: str, output: str, group: str) -> None:
    history = read_history(servers, history_topic)
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "compression.type": "lz4",
            "linger.ms": int(os.environ.get("LINGER_MS", "20")),
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            # The default of 1,000 ms lets the fetcher sleep whenever its queue was full once: the
            # most important of all settings here.
            "fetch.queue.backoff.ms": 2,
            "queued.min.messages": 100_000,
            "queued.max.messages.kbytes": 131_072,
            "fetch.max.bytes": 52_428_800,
            "max.partition.fetch.bytes": 8_388_608,
        }
    )
    consumer.subscribe([claims])
    last = time.monotonic()
    pending = False
    while True:
        messages = consumer.consume(10_000, 0.2)
        for message in messages:
            value = message.value()
            if message.error() is None and may_matter(value):
                decision = decide(value, history)
                if decision is not None:
                    producer.produce(output, decision[1], decision[0])
        producer.poll(0)
        pending = pending or bool(messages)
        if pending and time.monotonic() - last > COMMIT_SECONDS:
            producer.flush()
            consumer.commit(asynchronous=False)
            last, pending = time.monotonic(), False


if __name__ == "__main__":
    main(*sys.argv[1:])
