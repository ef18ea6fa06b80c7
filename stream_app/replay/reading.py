"""Reading topics from here to there, beside whoever else reads them: no group, no commits."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stream_app.errors import CgTrans03Error
from stream_app.settings import Settings
from stream_app.worker.batch import Record
from stream_app.worker.credentials import client_options

_RECORDS_AT_ONCE = 2_000
_WAIT_MS = 1_000


class Span(NamedTuple):
    """The offsets of one partition from `start` up to, but without, `end`."""

    partition: int
    start: int
    end: int


class Chunk(NamedTuple):
    """Some records of one partition, in their order, and the offset to go on from."""

    partition: int
    records: Sequence[Record]
    position: int


@asynccontextmanager
async def reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group, which sees committed records only.

    Raises:
        CgTrans03Error: the cluster does not answer as it should.
    """
    consumer = AIOKafkaConsumer(
        **client_options(settings),
        client_id="cg-trans-03-replay",
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_bytes=settings.fetch_max_bytes,
        max_partition_fetch_bytes=settings.fetch_max_partition_bytes,
        fetch_max_wait_ms=min(settings.fetch_max_wait_ms, _WAIT_MS),
    )
    try:
        await consumer.start()
        yield consumer
    except KafkaError as failure:
        raise CgTrans03Error(
            f"the cluster at {settings.bootstrap_servers} did not answer as it should "
            f"({type(failure).__name__}); is KAFKA_BOOTSTRAP_SERVERS right?"
        ) from None
    finally:
        await consumer.stop()


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """The partitions of a topic, by number.

    Raises:
        CgTrans03Error: there is no such topic.
    """
    # Before it has been asked for by name, the client knows of no topic.
    known = await consumer._client.fetch_all_metadata()
    numbers = known.partitions_for_topic(topic)
    if not numbers:
        raise CgTrans03Error(f"{topic}: there is no such topic; 'cg-trans-03 topics check' helps")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


async def whole(consumer: AIOKafkaConsumer, topic: str) -> list[Span]:
    """All that a topic holds now, by partition: what comes later is not in it."""
    partitions = await partitions_of(consumer, topic)
    starts = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    return [Span(tp.partition, starts[tp], ends[tp]) for tp in partitions]


async def read(
    consumer: AIOKafkaConsumer, topic: str, spans: Iterable[Span]
) -> AsyncIterator[Chunk]:
    """The records of these spans; partitions take turns, each in the order of its offsets.

    A chunk may hold no record (control records, compacted gaps) and still move the position on.
    """
    ends = {TopicPartition(topic, span.partition): span for span in spans if span.start < span.end}
    consumer.assign(list(ends))
    for tp, span in ends.items():
        consumer.seek(tp, span.start)
    while ends:
        fetched: Mapping[TopicPartition, list[Any]] = await consumer.getmany(
            timeout_ms=_WAIT_MS, max_records=_RECORDS_AT_ONCE
        )
        for tp in list(ends):
            records = fetched.get(tp, [])
            end = ends[tp].end
            position = min(await consumer.position(tp), end)
            if records and records[-1].offset >= end:
                records = [record for record in records if record.offset < end]
            if position == end:
                del ends[tp]
                # What lies behind the end would be fetched for nobody.
                consumer.pause(tp)
            if records or position == end:
                yield Chunk(tp.partition, records, position)


async def kept_since(consumer: AIOKafkaConsumer, topics: Iterable[str], now: int) -> int:
    """From when on these topics still hold all that was ever sent to them.

    Args:
        consumer: of `reader`.
        topics: whose records are deleted by age, oldest first.
        now: milliseconds since the epoch; the answer where a partition has lost all it had.

    Returns:
        Milliseconds since the epoch; 0 where nothing has been deleted.
    """
    since = 0
    for topic in topics:
        for span in await whole(consumer, topic):
            if span.start:
                first = await _first_timestamp(consumer, topic, span)
                since = max(since, now if first is None else first)
    return since


async def _first_timestamp(consumer: AIOKafkaConsumer, topic: str, span: Span) -> int | None:
    async for chunk in read(consumer, topic, [span]):
        if chunk.records:
            return chunk.records[0].timestamp
    return None
