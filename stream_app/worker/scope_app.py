"""The first hop: every claim in, the few that concern the guideline out, keyed by member.

Also brings history onto the partitions of its members: inbound key, partition count and
partitioner are not ours to assume.
"""

import time

import orjson
from aiokafka.errors import MessageSizeTooLargeError

from stream_app import metrics
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.address import member_in_scope
from stream_app.pipeline.decode import decode_history
from stream_app.settings import Settings
from stream_app.worker.batch import Batch, Record
from stream_app.worker.dead_letter import DeadLetterOffice
from stream_app.worker.faust_app import HopApp, new_app
from stream_app.worker.hop import Hop
from stream_app.worker.outbox import Outbox, partition_of_member
from stream_app.worker.provenance import headers_of_copy
from stream_app.worker.spans import new_spans
from stream_app.worker.stages import laps


def history_key(member_id: str, transplant_id: str, event_id: str) -> bytes:
    """One key an event, so that what was known at any time can be rebuilt."""
    return orjson.dumps([member_id, transplant_id, event_id])


def erasure_key(member_id: str) -> bytes:
    """The key under which a member's erasure travels; no event has it."""
    return orjson.dumps([member_id])


class Scope:
    """What the first hop does with a batch."""

    def __init__(self, app: HopApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._dead_letters = DeadLetterOffice(settings.dead_letter_topic)

    async def claims(self, batch: Batch) -> None:
        """Forward in-scope claims as they came: original bytes, headers and timestamp."""
        lap = laps("scope")
        spans = new_spans(self._app.hop.tracer, "scope")
        outbox = self._outbox()
        in_scope = out_of_scope = 0
        for record in batch.records:
            try:
                member_id = member_in_scope(record.value or b"")
                if member_id is None:
                    out_of_scope += 1
                    continue
                in_scope += 1
                spans.forwarded(batch, record)
                await self._forward(
                    outbox,
                    self._settings.in_scope_topic,
                    batch,
                    record,
                    key=member_id.encode(),
                    member_id=member_id,
                )
            except MalformedEvent as fault:
                await self._dead_letters.file(outbox, batch.topic, batch.partition, record, fault)
        lap("decide")
        await outbox.acknowledged()
        lap("acknowledge")
        spans.end()
        metrics.CLAIMS_IN_SCOPE.inc(in_scope)
        metrics.CLAIMS_OUT_OF_SCOPE.inc(out_of_scope)

    async def history(self, batch: Batch) -> None:
        """Bring history events to the partition of their member."""
        lap = laps("scope")
        outbox = self._outbox()
        for record in batch.records:
            try:
                member_id, key = _history_address(record)
                await self._forward(
                    outbox,
                    self._settings.history_topic,
                    batch,
                    record,
                    key=key,
                    member_id=member_id,
                )
            except MalformedEvent as fault:
                await self._dead_letters.file(outbox, batch.topic, batch.partition, record, fault)
        lap("decide")
        await outbox.acknowledged()
        lap("acknowledge")

    def _outbox(self) -> Outbox:
        return self._app.new_outbox()

    async def _forward(
        self,
        outbox: Outbox,
        topic: str,
        batch: Batch,
        record: Record,
        *,
        key: bytes,
        member_id: str,
    ) -> None:
        try:
            await outbox.send(
                topic,
                key=key,
                value=record.value,
                headers=headers_of_copy(batch, record),
                partition=partition_of_member(member_id, self._settings.partitions),
                timestamp_ms=_passed_on(record.timestamp),
            )
        except MessageSizeTooLargeError:
            raise MalformedEvent(DeadLetterReason.TOO_LARGE) from None


def _passed_on(timestamp_ms: int) -> int | None:
    """The timestamp of a copy: the original's, but none that a broker would refuse.

    Brokers take no record from more than an hour ahead (the platform's may be laxer); a negative
    timestamp means that there is none.
    """
    now = int(time.time() * 1000)
    return min(timestamp_ms, now) if timestamp_ms >= 0 else None


def _history_address(record: Record) -> tuple[str, bytes]:
    """Whose history a record is, and the key it gets.

    Raises:
        MalformedEvent: the value is not a history event, or an erasure names nobody.
    """
    if record.value is None:
        try:
            member_id = (record.key or b"").decode()
        except UnicodeDecodeError:
            member_id = ""
        if not member_id:
            raise MalformedEvent(DeadLetterReason.SCHEMA_VIOLATION, "key")
        return member_id, erasure_key(member_id)
    event = decode_history(record.value)
    return event.member_id, history_key(event.member_id, event.transplant_id, event.event_id)


def scope_app(settings: Settings, hop: Hop) -> HopApp:
    """The first hop as a Faust app."""
    app = new_app(settings.scope_group, hop, settings)
    scope = Scope(app, settings)
    app.consume(scope.claims, settings.claims_topic)
    app.consume(scope.history, settings.history_in_topic)
    return app
