"""The scan over batches that real producers wrote and a real broker kept.

The bare scan, without the worker around it: what `RawFetches` takes from a consumer must be what
aiokafka itself would have delivered of the same partitions, filtered by the predicate.
"""

import asyncio
import base64
import random
from pathlib import Path
from typing import Any, Self

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.structs import TopicPartition

from stream_app.local_kafka import java_classpath
from stream_app.local_kafka.jars import java
from stream_app.pipeline.scope import may_be_in_scope
from stream_app.worker.scan import BatchScanner, PlainScanner, RawFetches, ScanResult
from tests.property.scan_strategies import value

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 2


def values(seed: int, count: int = 150) -> list[bytes | None]:
    rng = random.Random(seed)
    return [value(rng) for _ in range(count)]


async def send_aiokafka(servers: str, topic: str) -> None:
    for number, codec in enumerate(CODECS):
        async with AIOKafkaProducer(
            bootstrap_servers=servers,
            compression_type=None if codec == "none" else codec,
            linger_ms=20,
        ) as producer:
            await _send_all(producer, topic, number)
    async with AIOKafkaProducer(
        bootstrap_servers=servers, transactional_id=f"{topic}-aiokafka", compression_type="lz4"
    ) as producer:
        for number in range(4):
            await producer.begin_transaction()
            await _send_all(producer, topic, 100 + number)
            await (producer.commit_transaction() if number % 2 else producer.abort_transaction())


async def _send_all(producer: AIOKafkaProducer, topic: str, seed: int) -> None:
    sent = [
        await producer.send(
            topic,
            one,
            partition=number % PARTITIONS,
            key=b"38242" if number % 3 or one is None else None,
            headers=[("86999", b"38242")] if number % 5 == 0 else None,
        )
        for number, one in enumerate(values(seed))
    ]
    await producer.flush()
    await asyncio.gather(*sent)


async def send_confluent(servers: str, topic: str) -> None:
    await asyncio.to_thread(_send_confluent, servers, topic)


def _send_confluent(servers: str, topic: str) -> None:
    for number, codec in enumerate(CODECS):
        producer = confluent_kafka.Producer(
            {"bootstrap.servers": servers, "compression.type": codec, "linger.ms": 20}
        )
        _produce(producer, topic, 200 + number)
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": servers,
            "transactional.id": f"{topic}-confluent",
            "compression.type": "zstd",
        }
    )
    producer.init_transactions()
    for number in range(4):
        producer.begin_transaction()
        _produce(producer, topic, 300 + number)
        if number % 2:
            producer.commit_transaction()
        else:
            producer.abort_transaction()


def _produce(producer: confluent_kafka.Producer, topic: str, seed: int) -> None:
    for number, one in enumerate(values(seed)):
        producer.produce(
            topic,
            one,
            key=b"k" if number % 3 else None,
            partition=number % PARTITIONS,
            headers={"traceparent": b"38242"} if number % 5 == 0 else None,
        )
    assert producer.flush(30) == 0


async def send_java(servers: str, topic: str, folder: Path) -> None:
    lines = folder / "values.txt"
    lines.write_text("\n".join(base64.b64encode(one or b"").decode() for one in values(400)))
    source = Path(__file__).parent / "java" / "ScanProducer.java"
    running = await asyncio.create_subprocess_exec(
        *(java(), "-cp", java_classpath(), str(source), servers, topic, str(lines)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await running.communicate()
    assert running.returncode == 0, output.decode()[-2000:]


_filled: dict[str, str] = {}


@pytest.fixture
async def topic(kafka: str, make_topic: Any, tmp_path: Path) -> str:
    """A topic that all three have filled: once a broker, it is only read."""
    if kafka not in _filled:
        name: str = make_topic("scan", partitions=PARTITIONS)
        await send_aiokafka(kafka, name)
        await send_confluent(kafka, name)
        await send_java(kafka, name, tmp_path)
        _filled[kafka] = name
    return _filled[kafka]


class Reader:
    """A bare consumer of one topic."""

    def __init__(self, servers: str, topic: str, **config: Any) -> None:
        self.partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        self.consumer = AIOKafkaConsumer(
            bootstrap_servers=servers, auto_offset_reset="earliest", **config
        )

    async def __aenter__(self) -> Self:
        self.consumer.assign(self.partitions)
        await self.consumer.start()
        self.ends = await self.consumer.end_offsets(self.partitions)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.consumer.stop()

    async def positions(self) -> dict[TopicPartition, int]:
        return {tp: await self.consumer.position(tp) for tp in self.partitions}

    async def all_records(self) -> list[Any]:
        """Everything, as aiokafka delivers it."""
        found = []
        while await self.positions() != self.ends:
            for records in (await self.consumer.getmany(timeout_ms=200)).values():
                found += records
        return found

    async def all_scans(self, scanner: BatchScanner | PlainScanner) -> list[ScanResult]:
        """Everything, as the scan takes it; each range must start where the last one ended."""
        fetches = RawFetches(self.consumer, self.partitions[0].topic.__eq__)
        fetcher = self.consumer._fetcher
        reached = await self.positions()
        results = []
        while reached != self.ends:
            await asyncio.sleep(0.001)
            for tp in list(fetcher._records):
                result = fetcher._records.pop(tp)
                fetcher._notify(fetcher._wait_consume_future)
                assert isinstance(result, FetchResult)
                fetched = fetches.take(result)
                if fetched is None:
                    continue  # fetched before anything was kept: comes again
                assert fetched.from_offset == reached[tp]
                assert await self.consumer.position(tp) == fetched.to_offset
                results.append(scanner.scan(fetched))
                reached[tp] = fetched.to_offset
        return results


def essence(records: list[Any]) -> list[tuple[Any, ...]]:
    return sorted(
        (one.partition, one.offset, one.timestamp, one.key, one.value, tuple(one.headers))
        for one in records
    )


@pytest.mark.parametrize("isolation", ["read_uncommitted", "read_committed"])
@pytest.mark.parametrize("fetch_bytes", [1 << 20, 2_000], ids=["large fetches", "small fetches"])
async def test_scan_delivers_what_aiokafka_would_when_three_clients_produced(
    kafka: str, topic: str, isolation: str, fetch_bytes: int
):
    """All codecs, headers, null values, aborted and committed transactions."""
    config = {"isolation_level": isolation, "max_partition_fetch_bytes": fetch_bytes}
    async with Reader(kafka, topic, **config) as reader:
        everything = await reader.all_records()
    expected = [one for one in everything if one.value and may_be_in_scope(one.value)]
    assert 0.1 < len(expected) / len(everything) < 0.9

    for scanner in (BatchScanner(), PlainScanner()):
        async with Reader(kafka, topic, **config) as reader:
            results = await reader.all_scans(scanner)
        survivors = [record for result in results for record in result.records]
        assert essence(survivors) == essence(expected)
        assert sum(result.seen for result in results) == len(everything)
        if isinstance(scanner, BatchScanner):
            assert not any(result.plain_batches for result in results)
            assert sum(result.batches for result in results) > 3 * len(CODECS)


async def test_scan_takes_up_exactly_when_restarted_inside_batches(kafka: str, topic: str):
    """A consumer that starts at any offset sees the same rest as aiokafka does."""
    rng = random.Random(7)
    async with Reader(kafka, topic) as reader:
        everything = await reader.all_records()
        ends = reader.ends
    for _ in range(8):
        async with Reader(kafka, topic) as reader:
            starts = {tp: rng.randrange(ends[tp]) for tp in reader.partitions}
            for tp, start in starts.items():
                reader.consumer.seek(tp, start)
            results = await reader.all_scans(BatchScanner())
        rest = [
            one for one in everything if one.offset >= starts[TopicPartition(topic, one.partition)]
        ]
        survivors = [record for result in results for record in result.records]
        assert essence(survivors) == essence(
            [one for one in rest if one.value and may_be_in_scope(one.value)]
        )
        assert sum(result.seen for result in results) == len(rest)
