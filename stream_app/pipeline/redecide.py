"""Whether a claim that is decided once more has anything new to be told, and to whom.

The rules it keeps:

- A pend or a deny whose outcome or reasons change is superseded.
- An approval is never taken back because of what happened around the claim: the difference is
  reported as drift, once for each outcome that differs, and once more when it is over. Only the
  platform ends an approval, by a later version, by a void, or by stating the claim anew with
  another content.
- A replay is judged as history is, whatever made the difference: settings, policy, code.
- What was said already is not said again.
"""

from enum import Enum, auto

import msgspec

from stream_app.domain.claim import Claim
from stream_app.domain.decision import Decision, Outcome
from stream_app.pipeline.remember import LastDecision


class Cause(Enum):
    """Why a claim is decided."""

    STATED = auto()
    """The platform says something that it has not said of the claim before."""
    REPEATED = auto()
    """The same event again, or another one with the same content."""
    HISTORY = auto()
    """The member's history changed."""
    REPLAYED = auto()
    """Somebody had the past decided again."""


class Verdict(Enum):
    """What is to be done with a decision."""

    SILENCE = auto()
    SEND = auto()
    DRIFT = auto()


def cause_of(claim: Claim, before: Claim | None) -> Cause:
    """Whether an event of a claim repeats what the standing one says.

    Version and frequency are content; the event's id and instant are not.
    """
    if before is None:
        return Cause.STATED
    if claim is before or claim == before:
        return Cause.REPEATED
    same_event = msgspec.structs.replace(
        claim, event_id=before.event_id, occurred_at=before.occurred_at
    )
    return Cause.REPEATED if same_event == before else Cause.STATED


def judge(
    cause: Cause, last: LastDecision | None, drift: LastDecision | None, fresh: Decision | None
) -> Verdict:
    """What to do with the decision that a claim gets now.

    Args:
        cause: why it was decided.
        last: the decision that was last sent of the claim, of whatever version.
        drift: what was last reported to differ from it, where it is an approval.
        fresh: the decision now. None leaves everything as it is: a void claim, or one that the
            guideline does not (or, by another configuration, no longer) apply to. There is no
            event that takes a decision back without another in its place.
    """
    if fresh is None:
        return Verdict.SILENCE
    if last is None:
        return Verdict.SEND
    new_id = fresh.decision_id != last.decision_id
    if cause is Cause.STATED:
        return Verdict.SEND if new_id else Verdict.SILENCE
    # A repeated claim tells by its id that evidence changed; the others only what it leads to.
    changed = new_id if cause is Cause.REPEATED else differs(last, fresh)
    if last.outcome is Outcome.APPROVE and last.claim_version == fresh.claim_version:
        return _judge_approval(drift, fresh, changed=changed)
    return Verdict.SEND if changed else Verdict.SILENCE


def _judge_approval(drift: LastDecision | None, fresh: Decision, *, changed: bool) -> Verdict:
    if fresh.decision is Outcome.APPROVE:
        if changed:
            return Verdict.SEND
        return Verdict.SILENCE if drift is None else Verdict.DRIFT
    told = drift is not None and not differs(drift, fresh)
    return Verdict.SILENCE if told else Verdict.DRIFT


def differs(last: LastDecision, fresh: Decision) -> bool:
    """Whether the outcome, a reason of some line, or the version it is of is another.

    A replay's report has the same notion of a change, or it would find again and again what its
    owner sees no reason to tell.
    """
    return (
        last.outcome is not fresh.decision
        or last.claim_version != fresh.claim_version
        or last.reasons != reasons_of(fresh)
    )


def reasons_of(decision: Decision) -> tuple[tuple[str, ...], ...]:
    """The reason codes of each line, in line order."""
    return tuple([tuple([reason.code for reason in line.reasons]) for line in decision.lines])
