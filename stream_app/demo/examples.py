"""One decided claim of each outcome, explained from its events alone."""

from collections.abc import Iterator

from msgspec import Struct

from stream_app.demo.acts import Acts
from stream_app.demo.check import Finding
from stream_app.demo.tally import DecisionEvent, Tally
from stream_app.domain.decision import Outcome
from stream_app.domain.history import Transplant
from stream_app.domain.vocabulary import ReasonCode
from stream_app.explain.explanation import Explainer, Explanation
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_history
from stream_app.pipeline.enrich import MemberHistory
from stream_app.policy.load import load_applicability, load_policies
from stream_app.settings import Settings
from stream_app.synthetic.event import Kind

_TELLING = {
    Outcome.APPROVE: ReasonCode.DLI_CRITERIA_MET,
    Outcome.DENY: ReasonCode.DONOR_MISMATCH,
    Outcome.PEND: ReasonCode.TRANSPLANT_NECESSITY_UNDETERMINED,
}
"""Whose explanation tells most; any other will do where there is none."""


class Example(Struct, frozen=True):
    """A claim explained, and the decision that the worker sent for it."""

    explanation: Explanation
    sent: DecisionEvent


def examples(acts: Acts, tally: Tally, settings: Settings) -> list[Example]:
    """One of each outcome that occurs."""
    explainer = _explainer(settings)
    history = _histories(acts)

    def on_file(member_id: str) -> tuple[Transplant, ...]:
        known = history.get(member_id)
        return known.on_file() if known else ()

    chosen = (_choose(outcome, acts, tally) for outcome in Outcome)
    return [
        Example(explainer.explain(acts.in_scope[event.claim_id][0].value, on_file), event)
        for event in chosen
        if event is not None
    ]


def same_ids(found: list[Example]) -> Finding:
    """Explaining decides anew: it must come to the id that the worker came to."""
    same = sum(
        example.explanation.decision is not None
        and example.explanation.decision.decision_id == example.sent.decision_id
        for example in found
    )
    return Finding(
        same == len(found),
        "explained without Kafka: same id",
        f"{same} of {len(found)}",
    )


def _choose(outcome: Outcome, acts: Acts, tally: Tally) -> DecisionEvent | None:
    fitting = sorted(_plain(acts, tally, outcome), key=lambda each: (_rank(each), each.claim_id))
    return fitting[0] if fitting else None


def _plain(acts: Acts, tally: Tally, outcome: Outcome) -> Iterator[DecisionEvent]:
    """Claims of one event whose history was known: what is explained is what was decided."""
    for claim_id, event in tally.standing().items():
        events = acts.in_scope.get(claim_id, [])
        if event.decision is outcome and claim_id not in acts.late_claims and len(events) == 1:
            yield event


def _rank(event: DecisionEvent) -> tuple[bool, int]:
    return event.reasons != (_TELLING[event.decision].value,), len(event.lines)


def _explainer(settings: Settings) -> Explainer:
    policies = load_policies(settings.policy_dir)
    applicability = load_applicability(settings.applicability_file)
    return Explainer(Decider(policies, applicability, settings.decision), policies, applicability)


def _histories(acts: Acts) -> dict[str, MemberHistory]:
    members: dict[str, MemberHistory] = {}
    for event in acts.before:
        if event.kind is Kind.HISTORY:
            decoded = decode_history(event.value)
            members.setdefault(decoded.member_id, MemberHistory()).apply(decoded)
    return members
