"""What is told, and to whom, when a claim is decided once more."""

from datetime import date

import msgspec
import pytest

from stream_app.domain.claim import Claim, ClaimFrequency, ServiceLine
from stream_app.domain.codes import Icd10Code
from stream_app.domain.decision import Decision, LineDecision, Outcome, Reason
from stream_app.domain.instant import Instant
from stream_app.pipeline.redecide import Cause, Verdict, cause_of, judge, reasons_of
from stream_app.pipeline.remember import LastDecision

APPROVE, DENY, PEND = Outcome.APPROVE, Outcome.DENY, Outcome.PEND
SILENCE, SEND, DRIFT = Verdict.SILENCE, Verdict.SEND, Verdict.DRIFT
STATED, REPEATED, HISTORY = Cause.STATED, Cause.REPEATED, Cause.HISTORY
REPLAYED = Cause.REPLAYED
LINE = ServiceLine(1, "38242", date(2025, 3, 10), (Icd10Code("C9210"),))
CLAIM = Claim("e", Instant(1, 0), "C", "M", (LINE,))


def decision(
    outcome: Outcome, *lines: tuple[str, ...], decision_id: str = "new", version: int = 1
) -> Decision:
    return Decision(
        decision_id,
        outcome,
        "C",
        version,
        "M",
        tuple(
            LineDecision(
                n, "38242", outcome, None, tuple(Reason(c, "t", "s") for c in codes), (), None, None
            )
            for n, codes in enumerate(lines or (("R",),), 1)
        ),
    )


def last(outcome: Outcome, *lines: tuple[str, ...], decision_id: str = "old") -> LastDecision:
    return LastDecision(decision_id, outcome, lines or (("R",),), 1)


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("before", [None, last(APPROVE), last(PEND)])
def test_nothing_is_said_when_there_is_nothing_to_decide(
    cause: Cause, before: LastDecision | None
) -> None:
    assert judge(cause, before, None, None) is SILENCE


@pytest.mark.parametrize("cause", Cause)
def test_decision_is_sent_when_none_was(cause: Cause) -> None:
    assert judge(cause, None, None, decision(APPROVE)) is SEND


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("outcome", Outcome)
def test_nothing_is_said_twice_when_the_id_is_the_same(cause: Cause, outcome: Outcome) -> None:
    fresh = decision(outcome, decision_id="old")
    assert judge(cause, last(outcome), None, fresh) is SILENCE


@pytest.mark.parametrize("outcome", [DENY, PEND])
def test_history_supersedes_a_pend_or_deny_when_outcome_or_reasons_change(outcome: Outcome) -> None:
    for other in Outcome:
        expected = SILENCE if other is outcome else SEND
        assert judge(HISTORY, last(outcome), None, decision(other)) is expected
    assert judge(HISTORY, last(outcome), None, decision(outcome, ("S",))) is SEND


def test_reasons_are_compared_line_by_line() -> None:
    before, fresh = last(PEND, ("A", "B"), ("C",)), decision(PEND, ("A",), ("B", "C"))
    assert reasons_of(fresh) == (("A",), ("B", "C"))
    assert judge(HISTORY, before, None, fresh) is SEND


def test_repeated_claim_is_answered_by_id_when_evidence_changed() -> None:
    assert judge(REPEATED, last(DENY), None, decision(DENY)) is SEND
    assert judge(REPEATED, last(APPROVE), None, decision(APPROVE)) is SEND


@pytest.mark.parametrize("cause", [HISTORY, REPEATED, REPLAYED])
def test_approval_is_not_taken_back_but_its_drift_is_told_once(cause: Cause) -> None:
    approval, fresh = last(APPROVE), decision(DENY, ("S",))
    told = last(DENY, ("S",), decision_id="another id with the same end")
    assert judge(cause, approval, None, fresh) is DRIFT
    assert judge(cause, approval, told, fresh) is SILENCE
    assert judge(cause, approval, told, decision(DENY, ("T",))) is DRIFT
    assert judge(cause, approval, told, decision(PEND, ("S",))) is DRIFT


def test_replay_is_silent_when_only_the_id_differs() -> None:
    """Else a text made anew in the policy would have every decision ever made sent again."""
    for outcome in Outcome:
        assert judge(REPLAYED, last(outcome), None, decision(outcome)) is SILENCE


def test_replay_supersedes_an_approval_when_it_stays_one_for_other_reasons() -> None:
    assert judge(REPLAYED, last(APPROVE), None, decision(APPROVE, ("R",), ("S",))) is SEND


def test_replay_tells_of_a_version_that_nothing_was_told_of_when_the_outcome_is_the_same() -> None:
    for outcome in Outcome:
        assert judge(REPLAYED, last(outcome), None, decision(outcome, version=2)) is SEND


def test_drift_is_told_to_be_over_once() -> None:
    assert judge(HISTORY, last(APPROVE), last(DENY), decision(APPROVE)) is DRIFT
    assert judge(HISTORY, last(APPROVE), None, decision(APPROVE)) is SILENCE


def test_platform_ends_an_approval_when_it_states_the_claim_anew() -> None:
    assert judge(STATED, last(APPROVE), None, decision(DENY)) is SEND


@pytest.mark.parametrize("cause", [HISTORY, REPEATED, REPLAYED])
def test_approval_of_an_earlier_version_does_not_stand_for_a_later_one(cause: Cause) -> None:
    assert judge(cause, last(APPROVE), None, decision(DENY, version=2)) is SEND


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({}, REPEATED),
        ({"event_id": "f", "occurred_at": Instant(9, 0)}, REPEATED),
        ({"claim_version": 2}, STATED),
        ({"frequency": ClaimFrequency.VOID}, STATED),
        ({"lines": ()}, STATED),
        ({"plan_id": "P"}, STATED),
    ],
)
def test_event_repeats_the_standing_one_when_only_id_and_instant_differ(
    changes: dict, cause: Cause
) -> None:
    assert cause_of(msgspec.structs.replace(CLAIM, **changes), CLAIM) is cause
    assert cause_of(CLAIM, None) is STATED
