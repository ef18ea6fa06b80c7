"""One claim decided again, twice over, beside what was decided of it, and why it is another."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from stream_app.domain.claim import Claim, ClaimFrequency
from stream_app.domain.decision import Decision
from stream_app.domain.history import Transplant
from stream_app.domain.instant import parse_instant
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim
from stream_app.pipeline.redecide import differs, reasons_of
from stream_app.pipeline.remember import LastDecision, Source
from stream_app.replay.bounds import to_milliseconds
from stream_app.replay.compared import Cause, Compared, ComparedDecision, ComparedLine
from stream_app.replay.history import Heard, on_file

_MOST_STATES = 64
"""So many earlier states of a member's history are tried, to see what was decided by."""


class Standing(Struct, frozen=True):
    """A claim that stands, and what is known about it."""

    value: bytes
    source: Source
    events: Sequence[Heard]
    """Of the member."""
    before: ComparedDecision | None


class Comparison:
    """Decides claims again.

    Args:
        decider: the policy that the job asks about.
        as_of: history as it was known then, in milliseconds since the epoch; None: now.
    """

    def __init__(self, decider: Decider, as_of: int | None) -> None:
        self._decider = decider
        self._as_of = as_of

    def compare(self, standing: Standing) -> Compared | None:
        """What would be decided now beside what was; None where there is nothing to compare.

        That is so of a claim that stands void or has no line in scope left, and of a version that
        never called for a decision and does not now: whatever was decided of an earlier one was
        ended by the platform.
        """
        claim = decode_claim(standing.value)
        assert claim is not None, "it was in scope when it was gathered"
        before = standing.before
        if claim.frequency is ClaimFrequency.VOID or not claim.lines:
            return None
        if before is not None and before.claim_version > claim.claim_version:
            # The event that this was decided of is not in the source any more.
            return None
        transplants = on_file(standing.events, self._as_of)
        fresh = self._decider.decide(claim, transplants)
        this_version = before is not None and before.claim_version == claim.claim_version
        if fresh is None and not this_version:
            return None
        return Compared(
            claim_id=claim.claim_id,
            claim_version=claim.claim_version,
            member_id=claim.member_id,
            line_of_business=claim.line_of_business,
            service_month=claim.lines[0].service_date.isoformat()[:7],
            topic=standing.source.topic,
            partition=standing.source.partition,
            offset=standing.source.offset,
            before=before,
            after=None if fresh is None else as_compared(fresh),
            cause=self._cause(claim, standing, fresh) if this_version else Cause.UNDECIDED,
            reproducible=self._is_reproducible(standing.value, fresh, transplants),
        )

    def _is_reproducible(
        self, value: bytes, fresh: Decision | None, transplants: Sequence[Transplant]
    ) -> bool:
        """Whether the same bytes decoded anew, all in another order, give the same id."""
        claim = decode_claim(value)
        assert claim is not None
        claim = msgspec.structs.replace(claim, lines=claim.lines[::-1])
        if fresh is None:
            return self._decider.decide(claim, transplants[::-1]) is None
        return self._decider.decision_id(claim, transplants[::-1]) == fresh.decision_id

    def _cause(self, claim: Claim, standing: Standing, fresh: Decision | None) -> Cause:
        before = standing.before
        assert before is not None
        last = _last(before)
        if fresh is None:
            return Cause.NOT_DECIDABLE
        if not differs(last, fresh):
            return Cause.NONE
        then = None if before.evaluated_at is None else parse_instant(before.evaluated_at)
        known = on_file(standing.events, None if then is None else to_milliseconds(then))
        by_what_was_known = self._decider.decide(claim, known)
        if by_what_was_known is not None and not differs(last, by_what_was_known):
            return Cause.HISTORY
        if self._was_decided_by_an_earlier_state(claim, standing):
            return Cause.HISTORY
        return Cause.POLICY

    def _was_decided_by_an_earlier_state(self, claim: Claim, standing: Standing) -> bool:
        """Whether some earlier state of the history gives the very id of what was decided.

        An id follows from everything that a decision rests on: policy, settings and all else are
        the same then. The worker may have decided without events that had come in already, so
        that the time alone does not tell.
        """
        assert standing.before is not None
        events = sorted(standing.events, key=lambda each: each.timestamp)[:_MOST_STATES]
        for count in range(len(events) + 1):
            decision = self._decider.decide(claim, on_file(events[:count]))
            if decision is not None and decision.decision_id == standing.before.decision_id:
                return True
        return False


def as_compared(decision: Decision) -> ComparedDecision:
    """A decision, as much of it as is compared."""
    return ComparedDecision(
        decision_id=decision.decision_id,
        decision=decision.decision,
        claim_version=decision.claim_version,
        lines=tuple(
            [
                ComparedLine(
                    line.line_number,
                    line.procedure_code,
                    line.decision,
                    line.policy_version,
                    codes,
                )
                for line, codes in zip(decision.lines, reasons_of(decision), strict=True)
            ]
        ),
    )


def _last(before: ComparedDecision) -> LastDecision:
    return LastDecision(
        before.decision_id,
        before.decision,
        tuple([line.reasons for line in before.lines]),
        before.claim_version,
    )
