"""The second hop: in-scope claims meet their member's history and are decided."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from stream_app import metrics
from stream_app.domain.claim import Claim, ClaimFrequency
from stream_app.domain.decision import Decision, Outcome, Trigger
from stream_app.domain.instant import Instant
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.encode import decision_headers, encode_decision
from stream_app.pipeline.enrich import Change
from stream_app.pipeline.remember import LastDecision, RememberedClaim, Source, Standing
from stream_app.settings import Settings
from stream_app.worker.batch import Batch, Record
from stream_app.worker.dead_letter import DeadLetterOffice
from stream_app.worker.faust_app import HopApp, new_app
from stream_app.worker.hop import Hop
from stream_app.worker.members import Members
from stream_app.worker.outbox import Outbox
from stream_app.worker.provenance import Place, header, source_of
from stream_app.worker.tables import MemberTable

# How many batches of changelog records Faust gathers before it applies them. With 1 it would go on
# reading the changelogs after the recovery.
_RECOVERY_BATCHES = 2

Clock = Callable[[], float]
"""Seconds since the epoch."""


class _Origin(NamedTuple):
    """Where a claim event came from, for its decision to carry on."""

    source: Place
    traceparent: bytes | None


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
        self._settings = settings
        self._decider = decider
        self._tables = history, claims
        self._clock = clock
        self._dead_letters = DeadLetterOffice(settings.dead_letter_topic)
        self._topics = {
            Outcome.APPROVE: settings.approve_topic,
            Outcome.DENY: settings.deny_topic,
            Outcome.PEND: settings.pend_topic,
        }

    async def batch(self, batch: Batch) -> None:
        """Decide, then remember: a row never says that a decision was sent before it was."""
        outbox = self._app.new_outbox()
        members = Members(*self._tables, batch.partition)
        take = self._history if batch.topic == self._settings.history_topic else self._claim
        evaluated_at = _rfc3339(self._clock())
        sent: list[tuple[Record, Decision]] = []
        for record in batch.records:
            try:
                decision = await take(batch, record, members, outbox, evaluated_at)
            except MalformedEvent as fault:
                await self._dead_letters.file(outbox, batch.topic, batch.partition, record, fault)
            else:
                if decision is not None:
                    sent.append((record, decision))
        await outbox.acknowledged()
        await members.write(outbox, batch.span)
        self._count(sent)

    async def _claim(
        self, batch: Batch, record: Record, members: Members, outbox: Outbox, evaluated_at: str
    ) -> Decision | None:
        claim = decode_claim(record.value or b"")
        if claim is None:
            _without_decision("out_of_scope")
            return None
        row = members.claims[claim.member_id]
        standing = row.stands(claim)
        if standing is Standing.OLDER:
            _without_decision("older")
            return None
        remembered = row.get(claim.claim_id)
        last = None if remembered is None else remembered.decision
        decision = self._decide(claim, members)
        if standing is Standing.REDELIVERY and _same(last, decision):
            _without_decision("redelivered")
            return None
        origin = _Origin(source_of(batch, record), header(record, "traceparent"))
        if decision is None:
            _without_decision(
                "void" if claim.frequency is ClaimFrequency.VOID else "not_applicable"
            )
        else:
            await self._send(decision, last, origin, outbox, evaluated_at)
        self._remember(claim, last if decision is None else _last(decision), origin, members)
        return decision

    async def _send(
        self,
        decision: Decision,
        last: LastDecision | None,
        origin: "_Origin",
        outbox: Outbox,
        evaluated_at: str,
    ) -> None:
        await outbox.send(
            self._topics[decision.decision],
            key=decision.claim_id.encode(),
            value=encode_decision(
                decision,
                trigger=Trigger.CLAIM,
                supersedes=None if last is None else last.decision_id,
                replay_id=None,
                source=origin.source,
                evaluated_at=evaluated_at,
            ),
            headers=decision_headers(
                decision.decision_id, evaluated_at, decision.decision, origin.traceparent
            ),
        )

    def _remember(
        self, claim: Claim, decision: LastDecision | None, origin: "_Origin", members: Members
    ) -> None:
        row = members.claims[claim.member_id]
        trace = origin.traceparent
        row.remember(
            RememberedClaim(
                claim=claim,
                source=Source(**origin.source),
                traceparent=None if trace is None else trace.decode("latin-1"),
                decision=decision,
            )
        )
        forgotten = row.prune(
            _instant(self._clock()),
            self._settings.remember_max_age_days,
            self._settings.remember_max_per_member,
        )
        metrics.CLAIMS_FORGOTTEN.inc(forgotten)
        members.claims.changed(claim.member_id)

    def _decide(self, claim: Claim, members: Members) -> Decision | None:
        history = members.history.known(claim.member_id)
        return self._decider.decide(claim, () if history is None else history.on_file())

    async def _history(
        self, batch: Batch, record: Record, members: Members, outbox: Outbox, evaluated_at: str
    ) -> None:
        if record.value is None:
            await self._erase(record, members, outbox, batch.partition)
            return
        event = decode_history(record.value)
        if members.history[event.member_id].apply(event) is Change.NOTHING:
            metrics.HISTORY_EVENTS.labels("stale").inc()
            return
        members.history.changed(event.member_id)
        metrics.HISTORY_EVENTS.labels("applied").inc()

    async def _erase(
        self, record: Record, members: Members, outbox: Outbox, partition: int
    ) -> None:
        """Erase a member: the row, and every event of the member in the history topic."""
        address = orjson.loads(record.key or b"[]")
        if len(address) != 1:
            return  # one of the tombstones that an erasure leaves behind
        member_id: str = address[0]
        history = members.history.known(member_id)
        if history is None:
            metrics.HISTORY_EVENTS.labels("unknown_member").inc()
            return
        for transplant_id, event_id in history.event_ids():
            await outbox.send(
                self._settings.history_topic,
                key=orjson.dumps([member_id, transplant_id, event_id]),
                value=None,
                partition=partition,
            )
        members.history.erase(member_id)
        metrics.HISTORY_EVENTS.labels("erased").inc()

    def _count(self, sent: list[tuple[Record, Decision]]) -> None:
        now = self._clock()
        for record, decision in sent:
            metrics.DECISIONS.labels(decision.decision.value, Trigger.CLAIM.value).inc()
            metrics.DECISION_LATENCY.observe(max(0.0, now - record.timestamp / 1000))
            for line in decision.lines:
                metrics.REASONS.labels(line.reasons[0].code, line.policy_version or "none").inc()


def _without_decision(why: str) -> None:
    metrics.CLAIMS_WITHOUT_DECISION.labels(why).inc()


def _same(last: LastDecision | None, decision: Decision | None) -> bool:
    if last is None or decision is None:
        return last is None and decision is None
    return last.decision_id == decision.decision_id


def _last(decision: Decision) -> LastDecision:
    codes = tuple(reason.code for line in decision.lines for reason in line.reasons)
    return LastDecision(decision.decision_id, decision.decision, codes)


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
