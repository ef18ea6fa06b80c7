"""Fills a topic faster than anybody can make claims: most of its batches are sent again and again.

Arguments: bootstrap servers, topic, partitions, how many rounds. A round is one batch of ordinary
claims for each partition; every so many rounds a claim in scope goes out with it, each a new one.
"""

import asyncio
import sys
from collections import deque
from itertools import cycle
from typing import Any

from aiokafka import AIOKafkaProducer

from benchmarks.claims import Keyed, Shape, claims

ORDINARY = Shape("ordinary", one_in=0)
BATCH_RECORDS = 650
ROUNDS_A_CLAIM_IN_SCOPE = 40
_DISTINCT_ROUNDS = 32
_OUTSTANDING = 64
_FOR_EVER = 10**12


def in_scope(rounds: int) -> int:
    """How many claims in scope there are in so many rounds."""
    return len(range(0, rounds, ROUNDS_A_CLAIM_IN_SCOPE))


def size(rounds: int, partitions: int) -> int:
    """How many claims there are in so many rounds."""
    return rounds * partitions * BATCH_RECORDS + in_scope(rounds)


async def main(servers: str, topic: str, partitions: int, rounds: int) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, compression_type="lz4", max_batch_size=2**20, linger_ms=0
    )
    await producer.start()
    ordinary = claims(ORDINARY, _FOR_EVER)
    prepared = [
        [
            _batch(producer, [next(ordinary) for _ in range(BATCH_RECORDS)])
            for _ in range(partitions)
        ]
        for _ in range(_DISTINCT_ROUNDS)
    ]
    wanted = claims(Shape("in scope", one_in=1, partitions=partitions), _FOR_EVER)
    sent: deque[asyncio.Future[Any]] = deque()
    for number, batches in zip(range(rounds), cycle(prepared), strict=False):
        for partition, batch in enumerate(batches):
            # A batch once built stays as it is: to send it again costs nothing but the way.
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        if number % ROUNDS_A_CLAIM_IN_SCOPE == 0:
            claim = next(wanted)
            alone = _batch(producer, [claim])
            sent.append(await producer.send_batch(alone, topic, partition=claim.partition))
        while len(sent) > _OUTSTANDING:
            await sent.popleft()
    await asyncio.gather(*sent)
    await producer.stop()


def _batch(producer: AIOKafkaProducer, records: list[Keyed]) -> Any:
    batch = producer.create_batch()
    for record in records:
        if batch.append(key=record.key, value=record.value, timestamp=None) is None:
            raise ValueError("a batch is too small for what it is to hold")
    batch.close()
    return batch


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3], *map(int, sys.argv[3:5])))
