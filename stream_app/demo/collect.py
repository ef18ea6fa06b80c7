"""Reads what came out, from the output topics and from nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from stream_app.demo.settle import places
from stream_app.demo.tally import DeadLetter, DecisionEvent, Received, Tally, tally
from stream_app.domain.decision import Outcome
from stream_app.pipeline.encode import ERROR_PREFIX, REASON_HEADER
from stream_app.settings import Settings
from stream_app.synthetic import Stream
from stream_app.worker.credentials import client_options

_SECONDS = 60.0
_event = msgspec.json.Decoder(DecisionEvent)


async def collect(settings: Settings) -> Tally:
    """Everything on the output topics up to their present ends."""
    outcomes = {
        settings.approve_topic: Outcome.APPROVE,
        settings.deny_topic: Outcome.DENY,
        settings.pend_topic: Outcome.PEND,
    }
    decisions: list[Received] = []
    letters: list[DeadLetter] = []
    topics = [*outcomes, settings.dead_letter_topic]
    async with asyncio.timeout(_SECONDS), _reader(settings) as consumer:
        async for record in _read(consumer, places(settings, topics)):
            outcome = outcomes.get(record.topic)
            if outcome is None:
                letters.append(_dead_letter(record, settings))
            else:
                event = _event.decode(record.value)
                decisions.append(Received(event, record.key, outcome))
    return tally(decisions, letters)


@asynccontextmanager
async def _reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, wanted: Sequence[TopicPartition]
) -> AsyncIterator[ConsumerRecord]:
    ends = await consumer.end_offsets(wanted)
    consumer.assign(wanted)
    await consumer.seek_to_beginning(*wanted)
    unread = {place for place in wanted if ends[place] > 0}
    while unread:
        for place, records in (await consumer.getmany(*unread, timeout_ms=1_000)).items():
            for record in records:
                yield record
            if await consumer.position(place) >= ends[place]:
                unread.discard(place)


def _dead_letter(record: ConsumerRecord, settings: Settings) -> DeadLetter:
    headers = dict(record.headers)
    claims = headers[f"{ERROR_PREFIX}topic"] in {
        settings.claims_topic.encode(), settings.in_scope_topic.encode()
    }  # fmt: skip
    stream = Stream.CLAIMS if claims else Stream.HISTORY
    return DeadLetter(stream, record.key or b"", headers[REASON_HEADER].decode())
