"""What is counted of the core topic is exact, partition by partition, whatever was passed over."""

from collections import defaultdict
from dataclasses import dataclass

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.events import claim, new_member, out_of_scope
from tests.integration.harness import System

_MARKER_BYTES = 78
"""The record batch by which a broker ends a transaction."""


@dataclass
class Expected:
    """What one partition holds."""

    records: int = 0
    in_scope: int = 0
    batches: int = 0
    batches_skipped: int = 0
    bytes: int = 0


async def _send(
    producer: AIOKafkaProducer, topic: str, partition: int, count: int, in_scope: int
) -> int:
    """One record batch, as the broker will keep it; its size."""
    batch = producer.create_batch()
    for number in range(count):
        value = orjson.dumps(claim(new_member())) if number < in_scope else out_of_scope(number)
        assert batch.append(timestamp=None, key=None, value=value)
    size: int = batch.size()
    await (await producer.send_batch(batch, topic, partition=partition))
    return size


@pytest.mark.both_scans
async def test_counts_are_exact_in_every_partition_when_batches_are_skipped_and_aborted(
    system: System, scan: str
) -> None:
    topic = system.settings.claims_topic
    expected: dict[int, Expected] = defaultdict(Expected)
    plain = await system.producer()
    servers = system.settings.bootstrap_servers
    async with AIOKafkaProducer(
        bootstrap_servers=servers, transactional_id=f"{topic}-counts"
    ) as transactional:
        for partition in range(3):
            found = expected[partition]
            for number in range(partition + 2):
                in_scope = 2 if number % 3 == 1 else 0
                found.bytes += await _send(plain, topic, partition, 40 + partition, in_scope)
                found.records += 40 + partition
                found.in_scope += in_scope
                found.batches += 1
                found.batches_skipped += not in_scope
            for is_committed in (False, True):
                await transactional.begin_transaction()
                found.bytes += await _send(transactional, topic, partition, 10, 1) + _MARKER_BYTES
                if is_committed:
                    await transactional.commit_transaction()
                    found.records += 10
                    found.in_scope += 1
                    found.batches += 1
                else:
                    await transactional.abort_transaction()
    worker = await system.start("scope")
    await system.settled("scope")

    for number, found in expected.items():
        partition = str(number)
        counted = Expected(
            records=int(worker.total("records_read_total", topic=topic, partition=partition)),
            in_scope=int(
                worker.total("records_read_total", topic=topic, partition=partition)
                - worker.total("claims_skipped_total", partition=partition)
            ),
            batches=int(worker.total("batches_read_total", partition=partition)),
            batches_skipped=int(worker.total("batches_skipped_total", partition=partition)),
            bytes=int(worker.total("read_bytes_total", topic=topic, partition=partition)),
        )
        if scan == "plain":
            found.batches_skipped = 0
        assert counted == found, number
    assert worker.total("claims_in_scope_total") == sum(one.in_scope for one in expected.values())
