"""Fetching what decisions rested on: the claims where their records say, the members' histories."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from aiokafka import AIOKafkaConsumer

from stream_app.domain.claim import Claim
from stream_app.errors import CgTrans03Error, MalformedEvent
from stream_app.pipeline.decode import decode_claim
from stream_app.replay.history import Heard, address_of, heard
from stream_app.replay.reading import Span, read, reader, whole
from stream_app.replay.verify import Recorded
from stream_app.settings import Settings
from stream_app.worker.batch import Record
from stream_app.worker.outbox import partition_of_member
from stream_app.worker.provenance import SOURCE_HEADER, header

_ONE_RECORD_BYTES = 65_536
"""Enough for a claim, and little to fetch for one; a larger one comes all the same."""

Key = tuple[str, int, int]
"""Topic, partition, offset."""


class Fetched:
    """What was found in Kafka."""

    def __init__(
        self, claims: Mapping[Key, Sequence[Claim]], histories: Mapping[str, Sequence[Heard]]
    ) -> None:
        self._claims, self._histories = claims, histories

    def claim_of(self, recorded: Recorded) -> Claim | None:
        """The claim that was decided, or None where its event is gone."""
        candidates = self._claims.get(key_of(recorded), ())
        return next((claim for claim in candidates if recorded.is_of(claim)), None)

    def history_of(self, recorded: Recorded) -> Sequence[Heard]:
        """Everything of the member, in the order in which the worker took it in."""
        return self._histories.get(recorded.member_id, ())


def key_of(recorded: Recorded) -> Key:
    """The place in Kafka that a decision names."""
    source = recorded.source
    assert source.topic is not None
    assert source.partition is not None
    assert source.offset is not None
    return source.topic, source.partition, source.offset


async def fetch(settings: Settings, decisions: Sequence[Recorded]) -> Fetched:
    """Everything that these decisions, which were made from Kafka, are redone from.

    A claim whose place does not hold it any more is looked for in the in-scope topic, which is
    kept longer and where each copy says of which place it is.

    Raises:
        CgTrans03Error: the cluster does not answer, or has no history topic.
    """
    by_record = settings.model_copy(update={"fetch_max_partition_bytes": _ONE_RECORD_BYTES})
    keys = sorted({key_of(each) for each in decisions})
    claims: dict[Key, list[Claim]] = {key: [] for key in keys}
    async with reader(by_record) as consumer:
        for topic, places in groupby(keys, key=itemgetter(0)):
            held = await _held(consumer, topic)
            for key in places:
                if key[2] in held.get(key[1], range(0)):
                    claims[key] += await _claims_at(consumer, key)
    async with reader(settings) as consumer:
        found = Fetched(claims, {})
        missing = [each for each in decisions if found.claim_of(each) is None]
        if missing:
            for key, claim in await _copies(consumer, settings, missing):
                claims[key].append(claim)
        return Fetched(claims, await _histories(consumer, settings, decisions))


async def _held(consumer: AIOKafkaConsumer, topic: str) -> dict[int, range]:
    """The offsets that a topic holds, by partition; none where there is no such topic."""
    try:
        spans = await whole(consumer, topic)
    except CgTrans03Error:
        return {}  # the platform may have made its topic anew under another name
    return {span.partition: range(span.start, span.end) for span in spans}


async def _claims_at(consumer: AIOKafkaConsumer, key: Key) -> list[Claim]:
    topic, partition, offset = key
    async for chunk in read(consumer, topic, [Span(partition, offset, offset + 1)]):
        return [
            claim
            for record in chunk.records
            if record.offset == offset and (claim := _claim(record)) is not None
        ]
    return []


async def _copies(
    consumer: AIOKafkaConsumer, settings: Settings, missing: Iterable[Recorded]
) -> list[tuple[Key, Claim]]:
    wanted = {f"{key[0]}:{key[1]}:{key[2]}".encode(): key for key in map(key_of, missing)}
    found: list[tuple[Key, Claim]] = []
    spans = await _of_members(consumer, settings, settings.in_scope_topic, missing)
    async for chunk in read(consumer, settings.in_scope_topic, spans):
        for record in chunk.records:
            key = wanted.get(header(record, SOURCE_HEADER) or b"")
            claim = None if key is None else _claim(record)
            if key is not None and claim is not None:
                found.append((key, claim))
    return found


async def _histories(
    consumer: AIOKafkaConsumer, settings: Settings, decisions: Iterable[Recorded]
) -> dict[str, tuple[Heard, ...]]:
    events: dict[str, dict[tuple[str, str], Heard]] = {each.member_id: {} for each in decisions}
    spans = await _of_members(consumer, settings, settings.history_topic, decisions)
    async for chunk in read(consumer, settings.history_topic, spans):
        for record in chunk.records:
            address = address_of(record.key)
            if address is not None and address.member_id in events:
                _take(events[address.member_id], address[1:], record)
    return {member_id: tuple(known.values()) for member_id, known in events.items()}


def _take(
    known: dict[tuple[str, str], Heard], event: tuple[str | None, str | None], record: Record
) -> None:
    transplant_id, event_id = event
    if transplant_id is None or event_id is None:
        known.clear()
    elif record.value is None:
        known.pop((transplant_id, event_id), None)
    elif (found := heard(record.timestamp, record.value)) is not None:
        # What comes again was known since it first came.
        known.setdefault((transplant_id, event_id), found)


async def _of_members(
    consumer: AIOKafkaConsumer, settings: Settings, topic: str, decisions: Iterable[Recorded]
) -> list[Span]:
    """All that a topic holds of the partitions where these members lie."""
    owners = {partition_of_member(each.member_id, settings.partitions) for each in decisions}
    return [span for span in await whole(consumer, topic) if span.partition in owners]


def _claim(record: Record) -> Claim | None:
    try:
        return decode_claim(record.value or b"")
    except MalformedEvent:
        return None
