"""What claims and histories do to their members' rows, and what is to be told because of it.

Pure but for the rows, which are handed in: no Kafka, no clock. One `Adjudication` is one batch.
Whoever runs it tells what it returns, waits until that is acknowledged, and only then stores the
rows: those of claims before those of histories. A crash at any point is then made good by reading
the batch again: a history that is not stored yet decides its claims again, and what is remembered
as told was told.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from stream_app.domain.claim import Claim, ClaimFrequency
from stream_app.domain.decision import Decision, Outcome, Trigger
from stream_app.domain.history import HistoryEvent, Transplant
from stream_app.domain.instant import Instant
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.enrich import Change, MemberHistory
from stream_app.pipeline.handover import HandedOver
from stream_app.pipeline.redecide import Cause, Verdict, cause_of, judge, reasons_of
from stream_app.pipeline.remember import (
    LastDecision,
    MemberClaims,
    RememberedClaim,
    Source,
    Standing,
)

R = TypeVar("R")


class Rows(Protocol[R]):
    """The rows of one table, by member; changes are seen by the rest of the batch at once."""

    def __getitem__(self, member_id: str) -> R:
        """The member's row, a new one where there is none."""

    def known(self, member_id: str) -> R | None:
        """The member's row, or None."""

    def put(self, member_id: str, row: R) -> None:
        """The row has changed and is to be stored."""

    def erase(self, member_id: str) -> None:
        """The row is to be deleted."""


class Tables(Protocol):
    """Both tables."""

    @property
    def history(self) -> Rows[MemberHistory]: ...
    @property
    def claims(self) -> Rows[MemberClaims]: ...


class Bounds(NamedTuple):
    """How much is remembered of a member."""

    max_age_days: int
    max_claims: int
    max_row_bytes: int


class Silent(StrEnum):
    """Why a claim event leads to no decision event."""

    VOID = "void"
    OLDER = "older"
    REDELIVERED = "redelivered"
    NOT_APPLICABLE = "not_applicable"
    OTHER_MODE = "other_mode"
    """A replay hands it over to a worker in shadow mode, or to one that is not."""


class Told(Struct, frozen=True, gc=False):
    """A decision to be sent, or (where `approval` is given) to be reported as drift from it."""

    decision: Decision
    trigger: Trigger
    source: Source
    traceparent: str | None
    supersedes: str | None = None
    approval: LastDecision | None = None
    causation_id: str | None = None
    """Of the history event that led to it."""
    replay_id: str | None = None
    """Of the replay job that led to it."""


class Rules(NamedTuple):
    """What does not change from batch to batch."""

    decider: Decider
    bounds: Bounds
    shadow: bool = False


class Adjudication:
    """One batch of claims or of histories.

    Args:
        rules: how to decide and how much to remember.
        tables: the members' rows.
        now: the batch's time, for what is too old to be remembered.
    """

    def __init__(self, rules: Rules, tables: Tables, now: Instant) -> None:
        self._decider, self._bounds, self._shadow = rules
        self._tables = tables
        self._now = now
        self._stirred: dict[str, str | None] = {}
        self.decided_again = 0
        """Remembered claims that were decided again."""
        self.forgotten = 0
        """Remembered claims that were dropped for their age or number."""

    def claim(
        self,
        claim: Claim,
        source: Source,
        traceparent: str | None,
        handed_over: HandedOver | None = None,
    ) -> Told | Silent:
        """Take in a claim event, or a copy of one that a replay hands over."""
        if handed_over is not None and handed_over.shadow is not self._shadow:
            return Silent.OTHER_MODE
        row = self._tables.claims[claim.member_id]
        standing = row.stands(claim)
        if standing is Standing.OLDER:
            return Silent.OLDER
        before = row.get(claim.claim_id)
        known = None if before is None else before.decision
        drift = None if before is None else before.drift
        cause, last = cause_of(claim, None if before is None else before.claim), known
        if handed_over is not None:
            cause, last = self._replayed(cause, known, handed_over.standing)
            if last is not None and last.claim_version > claim.claim_version:
                return Silent.OLDER
        if cause is Cause.STATED or last is not known:
            drift = None
        fresh = self._decider.decide(claim, self._on_file(claim.member_id))
        verdict, decision, drift = self._weigh(cause, last, drift, fresh)
        silent = verdict is Verdict.SILENCE
        if not silent or standing is not Standing.REDELIVERY or last is not known:
            row.remember(
                RememberedClaim(claim, source, self._now.minute, traceparent, decision, drift)
            )
            self._prune(row)
            self._tables.claims.put(claim.member_id, row)
        if fresh is None or silent:
            return _why_silent(claim, standing, fresh)
        if handed_over is None:
            return self._told(verdict, last, source, traceparent, fresh, Trigger.CLAIM)
        told = self._told(verdict, last, source, traceparent, fresh, Trigger.REPLAY)
        return replace(told, replay_id=handed_over.replay_id)

    def history(self, event: HistoryEvent) -> Change:
        """Take in a history event. What it does to claims, `late` tells at the batch's end.

        Raises:
            MalformedEvent: the member's row has no room for it. It is not taken in, and since an
                erasure could not find it later, its record has to be deleted.
        """
        row = self._tables.history[event.member_id].copy()
        change = row.apply(event)
        if change is Change.NOTHING:
            return change
        if len(row.to_bytes()) > self._bounds.max_row_bytes:
            raise MalformedEvent(DeadLetterReason.TOO_LARGE)
        self._tables.history.put(event.member_id, row)
        if change is Change.ON_FILE:
            self._stir(event.member_id, event.event_id)
        return change

    def erase(self, member_id: str) -> Sequence[tuple[str, str]] | None:
        """Erase what is known of a member's transplants.

        Returns:
            (transplant_id, event_id) of every event whose record has to be deleted; None where
            nothing is known of the member.
        """
        row = self._tables.history.known(member_id)
        if row is None:
            return None
        if row.on_file():
            self._stir(member_id, None)
        self._tables.history.erase(member_id)
        return row.event_ids()

    def late(self) -> Iterator[Told]:
        """Decide the remembered claims of the members whose history the batch changed.

        Once at the end and not once an event: what the events in between would have led to holds
        no longer, and nobody has been told. The last of them is named as the cause.
        """
        stirred, self._stirred = self._stirred, {}
        for member_id, causation_id in stirred.items():
            row = self._tables.claims.known(member_id)
            if row is None:
                continue
            on_file = self._on_file(member_id)
            changed = self._prune(row)
            for remembered in row.all():
                if remembered.is_void:
                    continue
                self.decided_again += 1
                fresh = self._decider.decide(remembered.claim, on_file)
                last = remembered.decision
                verdict, decision, drift = self._weigh(Cause.HISTORY, last, remembered.drift, fresh)
                if fresh is None or verdict is Verdict.SILENCE:
                    continue
                row.remember(replace(remembered, decision=decision, drift=drift))
                changed = True
                told = self._told(
                    verdict,
                    last,
                    remembered.source,
                    remembered.traceparent,
                    fresh,
                    Trigger.HISTORY_UPDATE,
                )
                yield replace(told, causation_id=causation_id)
            if changed:
                self._tables.claims.put(member_id, row)

    def _stir(self, member_id: str, event_id: str | None) -> None:
        self._stirred[member_id] = event_id

    def _on_file(self, member_id: str) -> tuple[Transplant, ...]:
        history = self._tables.history.known(member_id)
        return () if history is None else history.on_file()

    def _replayed(
        self, cause: Cause, known: LastDecision | None, standing: LastDecision | None
    ) -> tuple[Cause, LastDecision | None]:
        """Why a claim that is handed over is decided, and what stands of it.

        What we remember is what stands, unless the replay found a decision where we know of none
        or of an earlier version's only: then the claim was forgotten in between.
        """
        ours, theirs = self._counting(known), self._counting(standing)
        if theirs is None or (ours is not None and ours.claim_version >= theirs.claim_version):
            # An event that we have not seen is the platform's word, whoever brings it.
            return Cause.STATED if cause is Cause.STATED else Cause.REPLAYED, known
        return Cause.REPLAYED, theirs

    def _weigh(
        self,
        cause: Cause,
        last: LastDecision | None,
        drift: LastDecision | None,
        fresh: Decision | None,
    ) -> tuple[Verdict, LastDecision | None, LastDecision | None]:
        """What to do with a decision, and which decision and drift to remember then."""
        verdict = judge(cause, self._counting(last), self._counting(drift), fresh)
        if fresh is None or verdict is Verdict.SILENCE:
            return verdict, last, drift
        told = LastDecision(
            fresh.decision_id,
            fresh.decision,
            reasons_of(fresh),
            fresh.claim_version,
            self._shadow,
        )
        if verdict is Verdict.SEND:
            return verdict, told, None
        over = fresh.decision is Outcome.APPROVE
        return verdict, last, None if over else told

    def _counting(self, last: LastDecision | None) -> LastDecision | None:
        """What was told in the mode we are in: shadow decisions are nothing to the live ones."""
        return last if last is not None and last.shadow is self._shadow else None

    def _told(
        self,
        verdict: Verdict,
        last: LastDecision | None,
        source: Source,
        traceparent: str | None,
        fresh: Decision,
        trigger: Trigger,
    ) -> Told:
        last = self._counting(last)
        drift = verdict is Verdict.DRIFT
        return Told(
            fresh,
            trigger,
            source,
            traceparent,
            supersedes=None if last is None or drift else last.decision_id,
            approval=last if drift else None,
        )

    def _prune(self, row: MemberClaims) -> bool:
        bounds = self._bounds
        forgotten = row.prune(self._now, bounds.max_age_days, bounds.max_claims)
        self.forgotten += forgotten
        return forgotten > 0


def _why_silent(claim: Claim, standing: Standing, fresh: Decision | None) -> Silent:
    if fresh is not None or standing is Standing.REDELIVERY:
        return Silent.REDELIVERED
    return Silent.VOID if claim.frequency is ClaimFrequency.VOID else Silent.NOT_APPLICABLE
