"""A run in which everything went as it must, to be spoilt in one way at a time."""

from stream_app.demo.acts import Acts, sort_into_acts
from stream_app.demo.run import demo_plan
from stream_app.demo.tally import (
    DeadLetter,
    DecisionEvent,
    Line,
    ReasonCode,
    Received,
    Tally,
    tally,
)
from stream_app.domain.decision import Outcome, Trigger
from stream_app.synthetic import Population, Stream


def small_acts(seed: int = 1) -> Acts:
    return sort_into_acts(Population(demo_plan(seed, claims=1_000, incidence=0.1)))


def event(
    claim: str = "C",
    decision_id: str = "a",
    *,
    supersedes: str | None = None,
    outcome: Outcome = Outcome.APPROVE,
    reasons: tuple[str, ...] = ("R",),
    version: int = 1,
    trigger: Trigger = Trigger.CLAIM,
) -> DecisionEvent:
    line = Line(outcome, tuple(map(ReasonCode, reasons)))
    return DecisionEvent(decision_id, outcome, claim, version, trigger, supersedes, (line,))


def received(one: DecisionEvent) -> Received:
    return Received(one, one.claim_id.encode(), one.decision)


def perfect(acts: Acts) -> Tally:
    """What comes out when nothing goes wrong: late history decides its claims again."""
    decisions = []
    for claim in sorted(acts.truth.decided):
        scenario = acts.truth.standing[claim]
        first = f"{claim}-id"
        if scenario.outcome is None:
            decisions.append(event(claim, first, outcome=Outcome.PEND))
            continue
        told = {"outcome": scenario.outcome, "reasons": scenario.reasons}
        if claim in acts.late_claims:
            decisions.append(event(claim, first, outcome=Outcome.PEND))
            told |= {"supersedes": first, "trigger": Trigger.HISTORY_UPDATE}
        decisions.append(event(claim, f"{claim}-last", **told))
    letters = [
        DeadLetter(stream, key, one.reason.value)
        for stream, malformed in (
            (Stream.CLAIMS, acts.truth.malformed_claims),
            (Stream.HISTORY, acts.truth.malformed_history),
        )
        for key, one in malformed.items()
        if one.scan_sees
    ]
    return tally(map(received, decisions), letters)
