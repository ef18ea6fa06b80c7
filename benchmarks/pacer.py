"""Sends claims at a steady rate until told to stop; prints when each claim in scope was sent.

Arguments: bootstrap servers, topic, partitions, one claim in so many in scope, claims a second.
Prints `<claim_id> <record timestamp, epoch ms>` a line.
"""

import signal
import sys
import time
from itertools import cycle

from confluent_kafka import Producer
from msgspec.structs import replace

from benchmarks.claims import Shape, claim_id, claims

_FOR_EVER = 10**12
_ORDINARY = 20_000
_TICK_SECONDS = 0.001


def main(servers: str, topic: str, partitions: str, one_in: str, rate: str) -> None:
    shape = Shape("paced", partitions=int(partitions), one_in=int(one_in))
    producer = Producer(
        {
            "bootstrap.servers": servers,
            "compression.type": "lz4",
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    sent = found = 0
    # To make 90,000 claims a second would keep a core busy. Those in scope are new each time.
    ordinary = cycle(list(claims(replace(shape, one_in=0), _ORDINARY)))
    wanted = claims(replace(shape, one_in=1), _FOR_EVER)
    start = time.time()
    while not stopped:
        due = int((time.time() - start) * int(rate))
        while sent < due:
            in_scope = shape.holds(sent)
            record = next(wanted if in_scope else ordinary)
            now = int(time.time() * 1000)
            producer.produce(topic, record.value, record.key, record.partition, timestamp=now)
            if in_scope:
                print(claim_id(found), now)
                found += 1
            sent += 1
        producer.poll(0)
        time.sleep(_TICK_SECONDS)
    producer.flush(30)


if __name__ == "__main__":
    main(*sys.argv[1:])
