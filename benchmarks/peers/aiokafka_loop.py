"""aiokafka in a loop.

Arguments: "prefilter" or "decode" (parse every claim), then bootstrap servers, claims topic,
history topic, output topic, group.
"""

import asyncio
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from decision import decide, may_matter, row

COMMIT_SECONDS = 1.0


async def read_history(servers: str, topic: str) -> dict[str, dict]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest")
    await consumer.start()
    left = sum((await consumer.end_offsets(consumer.assignment())).values())
    history = {}
    while left:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            history.update(row(record.value) for record in records)
            left -= len(records)
    await consumer.stop()
    return history


async def main(
    mode: str, servers: str, claims: str, history_topic: str, output: str, group: str
) -> None:
    history = await read_history(servers, history_topic)
    producer = AIOKafkaProducer(bootstrap_servers=servers, linger_ms=20, max_batch_size=262_144)
    await producer.start()
    consumer = AIOKafkaConsumer(
        claims,
        bootstrap_servers=servers,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=1_048_576,
    )
    await consumer.start()
    prefilter = mode == "prefilter"
    last = time.monotonic()
    pending = False
    sent = []
    while True:
        batches = await consumer.getmany(timeout_ms=200)
        for records in batches.values():
            for record in records:
                value = record.value
                if prefilter and not may_matter(value):
                    continue
                decision = decide(value, history)
                if decision is not None:
                    sent.append(await producer.send(output, decision[1], decision[0]))
        pending = pending or bool(batches)
        if pending and time.monotonic() - last > COMMIT_SECONDS:
            await asyncio.gather(*sent)
            sent.clear()
            await consumer.commit()
            last, pending = time.monotonic(), False


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
