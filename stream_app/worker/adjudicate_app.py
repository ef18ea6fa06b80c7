"""The second hop: in-scope claims meet their member's history and are decided."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import orjson

from stream_app import metrics
from stream_app.domain.history import HistoryEvent
from stream_app.domain.instant import Instant
from stream_app.errors import MalformedEvent
from stream_app.pipeline.adjudication import Adjudication, Bounds, Rules, Silent, Told
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.enrich import Change
from stream_app.pipeline.handover import HEADER, HandedOver
from stream_app.settings import Settings
from stream_app.settings.model import HEADER_ROOM_BYTES
from stream_app.worker.batch import Batch, Record
from stream_app.worker.dead_letter import DeadLetterOffice
from stream_app.worker.faust_app import HopApp, new_app
from stream_app.worker.hop import Hop
from stream_app.worker.members import Members
from stream_app.worker.outbox import Outbox
from stream_app.worker.provenance import header, source_of
from stream_app.worker.spans import Spans, new_spans
from stream_app.worker.stages import laps
from stream_app.worker.tables import MemberTable
from stream_app.worker.telling import Arrived, Telling, count
from stream_app.worker.trace_context import traceparent_of

# How many batches of changelog records Faust gathers before it applies them. With 1 it would go on
# reading the changelogs after the recovery.
_RECOVERY_BATCHES = 2

Clock = Callable[[], float]
"""Seconds since the epoch."""

_without_decision = cache(metrics.CLAIMS_WITHOUT_DECISION.labels)
_history_events = cache(metrics.HISTORY_EVENTS.labels)


class Adjudicate:
    """What the second hop does with a batch."""

    def __init__(
        self,
        app: HopApp,
        settings: Settings,
        decider: Decider,
        history: MemberTable,
        claims: MemberTable,
        clock: Clock = time.time,
    ) -> None:
        self._app = app
        self._history_topic = settings.history_topic
        self._tables = history, claims
        self._clock = clock
        self._dead_letters = DeadLetterOffice(settings.dead_letter_topic)
        self._telling = Telling(settings)
        self._max_row_bytes = settings.max_request_bytes - HEADER_ROOM_BYTES
        bounds = Bounds(
            settings.remember_max_age_days,
            settings.remember_max_per_member,
            self._max_row_bytes,
        )
        self._rules = Rules(decider, bounds, settings.shadow)

    async def batch(self, batch: Batch) -> None:
        """Decide, then remember: a row never says that a decision was sent before it was."""
        lap = laps("adjudicate")
        spans = new_spans(self._app.hop.tracer, "adjudicate")
        outbox = self._app.new_outbox()
        members = Members(*self._tables, batch.partition)
        now = self._clock()
        adjudication = Adjudication(self._rules, members, _instant(now))
        arrived: list[Arrived] = []
        if batch.topic == self._history_topic:
            told = await self._histories(batch, adjudication, outbox)
        else:
            told, arrived = await self._claims(batch, adjudication, outbox, spans)
        evaluated_at = _rfc3339(now)
        for each in told:
            await self._telling.tell(each, outbox, evaluated_at)
        lap("decide")
        await outbox.acknowledged()
        lap("acknowledge")
        forgotten = await members.write(outbox, batch.span, self._max_row_bytes)
        lap("store")
        spans.told(told)
        spans.end()
        count(told, arrived, self._clock())
        metrics.CLAIMS_FORGOTTEN.inc(adjudication.forgotten + forgotten)
        metrics.CLAIMS_DECIDED_AGAIN.inc(adjudication.decided_again)

    async def _claims(
        self, batch: Batch, adjudication: Adjudication, outbox: Outbox, spans: Spans
    ) -> tuple[list[Told], list[Arrived]]:
        told: list[Told] = []
        arrived: list[Arrived] = []
        without: Counter[str] = Counter()
        for record in batch.records:
            try:
                claim = decode_claim(record.value or b"")
                handed_over = _handed_over(record)
            except MalformedEvent as fault:
                await self._dead_letters.file(outbox, batch.topic, batch.partition, record, fault)
                continue
            if claim is None:
                without["out_of_scope"] += 1
                continue
            source, traceparent = source_of(batch, record), traceparent_of(record)
            answer = adjudication.claim(claim, source, traceparent, handed_over)
            if isinstance(answer, Silent):
                without[answer.value] += 1
                spans.silent(batch, record, answer.value)
            else:
                told.append(answer)
                if answer.approval is None and handed_over is None:
                    arrived.append((record.timestamp, answer.traceparent))
        for why, number in without.items():
            _without_decision(why).inc(number)
        return told, arrived

    async def _histories(
        self, batch: Batch, adjudication: Adjudication, outbox: Outbox
    ) -> list[Told]:
        results: Counter[str] = Counter()
        for record in batch.records:
            try:
                if record.value is None:
                    results[await self._erase(record, adjudication, outbox, batch.partition)] += 1
                else:
                    event = decode_history(record.value)
                    results[await self._take_in(event, adjudication, outbox, batch.partition)] += 1
            except MalformedEvent as fault:
                await self._dead_letters.file(outbox, batch.topic, batch.partition, record, fault)
        for result, number in results.items():
            if result:
                _history_events(result).inc(number)
        return list(adjudication.late())

    async def _take_in(
        self, event: HistoryEvent, adjudication: Adjudication, outbox: Outbox, partition: int
    ) -> str:
        try:
            change = adjudication.history(event)
        except MalformedEvent:
            await self._delete(
                event.member_id, (event.transplant_id, event.event_id), outbox, partition
            )
            raise
        return "stale" if change is Change.NOTHING else "applied"

    async def _erase(
        self, record: Record, adjudication: Adjudication, outbox: Outbox, partition: int
    ) -> str:
        """Erase a member: the row, and every event of the member in the history topic."""
        address = orjson.loads(record.key or b"[]")
        if len(address) != 1:
            return ""  # one of the tombstones that an erasure leaves behind
        events = adjudication.erase(address[0])
        if events is None:
            return "unknown_member"
        for event in events:
            await self._delete(address[0], event, outbox, partition)
        return "erased"

    async def _delete(
        self, member_id: str, event: tuple[str, str], outbox: Outbox, partition: int
    ) -> None:
        await outbox.send(
            self._history_topic,
            key=orjson.dumps([member_id, *event]),
            value=None,
            partition=partition,
        )


def _handed_over(record: Record) -> HandedOver | None:
    value = header(record, HEADER)
    return None if value is None else HandedOver.from_header(value)


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _instant(seconds: float) -> Instant:
    minute, second = divmod(int(seconds), 60)
    return Instant(minute, second)


def adjudicate_app(settings: Settings, hop: Hop, decider: Decider) -> HopApp:
    """The second hop as a Faust app.

    Both tables are declared from the first release on: one added later would split Faust's
    co-partition groups in a rolling upgrade.
    """
    app = new_app(settings.adjudicate_group, hop, settings)
    history, claims = (
        MemberTable(
            app,
            name=name,
            key_type=bytes,
            value_type=bytes,
            partitions=settings.partitions,
            recovery_buffer_size=_RECOVERY_BATCHES,
        )
        for name in ("history", "claims")
    )
    app.tables.add(history)
    app.tables.add(claims)
    adjudicate = Adjudicate(app, settings, decider, history, claims)
    app.consume(adjudicate.batch, settings.in_scope_topic, settings.history_topic)
    return app
