"""What aiokafka's producer keeps to itself: how often it had to send something once more.

It has no callback for that and only logs it. Every batch that is to be sent again goes through
`MessageAccumulator.reenqueue`; what it gives up on comes out of the outbox as an exception.
"""

from typing import Any

from aiokafka import AIOKafkaProducer

from stream_app import metrics


def count_retries(producer: AIOKafkaProducer, hop: str) -> None:
    """Count from now on, for this (started) producer."""
    accumulator: Any = producer._message_accumulator
    put_back = accumulator.reenqueue
    retries = metrics.PRODUCER_RETRIES.labels(hop)

    def reenqueue(batch: Any) -> None:
        retries.inc()
        put_back(batch)

    accumulator.reenqueue = reenqueue
