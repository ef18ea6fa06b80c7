"""Whatever a producer does with keys, partitions, codecs and transactions, claims are decided."""

import asyncio
from typing import Any

import confluent_kafka
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from stream_app.pipeline.decide import Decider
from stream_app.worker.outbox import partition_of_member
from tests.integration.conftest import MakeSystem
from tests.integration.events import Member, claim, history, new_member, out_of_scope
from tests.integration.harness import System
from tests.integration.oracle import expected_event

CODECS = [None, "gzip", "snappy", "lz4", "zstd"]


def _with_librdkafka(
    system: System, topic: str, records: list[tuple[str, bytes]], **config: Any
) -> None:
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": system.settings.bootstrap_servers, "linger.ms": 50} | config
    )
    for key, value in records:
        producer.produce(topic, key=key, value=value)
    assert producer.flush(30) == 0


async def _decided(system: System, decider: Decider, events: dict[Member, Any]) -> None:
    for member, (event, record) in events.items():
        (out,) = await system.decided(member.claim_id)
        assert out.event == expected_event(decider, event, [record], out)


@pytest.mark.both_scans
async def test_claims_are_decided_when_batches_come_in_every_codec(
    make_system: MakeSystem, decider: Decider
) -> None:
    system = await make_system()
    s = system.settings
    worker = await system.start()
    events: dict[Member, Any] = {}
    fed = 0
    for codec in CODECS:
        async with AIOKafkaProducer(
            bootstrap_servers=s.bootstrap_servers, compression_type=codec, linger_ms=100
        ) as producer:
            mine = [new_member() for _ in range(3)]
            records = {member: history(member) for member in mine}
            for member in mine:
                await producer.send(s.history_in_topic, orjson.dumps(records[member]))
            await producer.flush()
            await system.settled()
            for number in range(300):
                await producer.send(s.claims_topic, out_of_scope(number), partition=number % 3)
                if number % 100 == 50:
                    member = mine[number // 100]
                    events[member] = event, _ = claim(member), records[member]
                    await producer.send(
                        s.claims_topic, orjson.dumps(event), partition=number // 100
                    )
            await producer.flush()
            fed += 303
        if codec is not None:
            mine = [new_member() for _ in range(3)]
            records = {member: history(member) for member in mine}
            values = [(m.transplant_id, orjson.dumps(records[m])) for m in mine]
            kind = {"compression.type": codec}
            await asyncio.to_thread(_with_librdkafka, system, s.history_in_topic, values, **kind)
            await system.settled()
            events |= {member: (claim(member), records[member]) for member in mine}
            values = [(f"k{number}", out_of_scope(number)) for number in range(200)]
            values += [(m.claim_id, orjson.dumps(events[m][0])) for m in mine]
            await asyncio.to_thread(_with_librdkafka, system, s.claims_topic, values, **kind)
            fed += 203
    await _decided(system, decider, events)
    await system.settled()
    assert worker.total("records_read_total", topic=s.claims_topic) == fed
    assert worker.total("claims_in_scope_total") == len(events)
    assert worker.total("claims_skipped_total") == fed - len(events)
    assert await system.dead_letters() == []


@pytest.mark.parametrize("partitioner", ["consistent_random", "murmur2_random"])
async def test_claims_meet_their_history_when_producers_disagree_on_partitions(
    make_system: MakeSystem, decider: Decider, partitioner: str
) -> None:
    """Claims in 3 partitions by claim, history in 5 by record; ours are 6 by member."""
    system = await make_system(claims_partitions=3, history_partitions=5)
    s = system.settings
    await system.start()
    members = [new_member() for _ in range(24)]
    events = {member: (claim(member), history(member)) for member in members}
    config = {"partitioner": partitioner}
    values = [(m.transplant_id, orjson.dumps(record)) for m, (_, record) in events.items()]
    await asyncio.to_thread(_with_librdkafka, system, s.history_in_topic, values, **config)
    await system.settled()
    values = [(m.claim_id, orjson.dumps(event)) for m, (event, _) in events.items()]
    await asyncio.to_thread(_with_librdkafka, system, s.claims_topic, values, **config)
    await _decided(system, decider, events)
    for out in await system.read(s.in_scope_topic, s.history_topic):
        member_id = orjson.loads(out.record.value)["member_id"]
        assert out.record.partition == partition_of_member(member_id, s.partitions)


async def test_order_of_a_partition_is_kept_when_its_claims_are_forwarded(system: System) -> None:
    """A member's claims, versions and histories mean something in their order only."""
    s = system.settings
    members = [new_member() for _ in range(40)]
    waiting = [
        (
            members[n % 40].claim_id.encode(),
            orjson.dumps(claim(members[n % 40], claim_version=n + 1)),
        )
        for n in range(6000)
    ]
    await system.feed(s.claims_topic, waiting)
    records = [
        (members[n % 40].transplant_id.encode(), orjson.dumps(history(members[n % 40])))
        for n in range(3000)
    ]
    await system.feed(s.history_in_topic, records)
    await system.start("scope")
    await system.settled("scope")
    last: dict[str, int] = {}
    for out in await system.read(s.in_scope_topic):
        event = orjson.loads(out.record.value)
        assert last.get(event["claim_id"], 0) < event["claim_version"], "overtaken"
        last[event["claim_id"]] = event["claim_version"]
    assert len(await system.read(s.in_scope_topic)) == 6000
    seen: dict[str, int] = {}
    for out in await system.read(s.history_topic):
        event = orjson.loads(out.record.value)
        number = int(event["event_id"].split("-")[1])
        assert seen.get(event["member_id"], 0) < number, "overtaken"
        seen[event["member_id"]] = number


@pytest.mark.both_scans
async def test_only_committed_claims_are_decided_when_transactions_abort(
    system: System, decider: Decider
) -> None:
    s = system.settings
    worker = await system.start()
    kept, dropped, plain = ([new_member() for _ in range(3)] for _ in range(3))
    async with AIOKafkaProducer(
        bootstrap_servers=s.bootstrap_servers, transactional_id=f"{s.claims_topic}-tx"
    ) as producer:
        for members, ends in [(dropped, False), (kept, True), (dropped, False)]:
            await producer.begin_transaction()
            for partition, member in enumerate(members):
                value = orjson.dumps(claim(member))
                await producer.send_and_wait(s.claims_topic, value, partition=partition)
            await (producer.commit_transaction() if ends else producer.abort_transaction())
    for partition, member in enumerate(plain):
        await (await system.producer()).send_and_wait(
            s.claims_topic, orjson.dumps(claim(member)), partition=partition
        )
    for member in [*kept, *plain]:
        await system.decided(member.claim_id)
    # Control batches and aborted records move the commit, too: it reaches the very end.
    await system.settled()
    assert len(await system.decisions()) == len(kept) + len(plain)
    assert await worker.stop() == 0
