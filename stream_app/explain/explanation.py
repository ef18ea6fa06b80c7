"""Everything there is to say of one claim event, before it is put into words or JSON."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from stream_app.domain.claim import Claim, ClaimFrequency, ServiceLine
from stream_app.domain.decision import GUIDELINE, Decision
from stream_app.domain.history import Transplant
from stream_app.errors import MalformedEvent
from stream_app.explain.case import Case
from stream_app.explain.missing import Changes, Finder
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim
from stream_app.policy.applicability import Applicability
from stream_app.policy.model import Policies


class Status(StrEnum):
    """What becomes of a claim event."""

    DECIDED = "decided"
    MALFORMED = "malformed"
    OUT_OF_SCOPE = "out_of_scope"
    VOID = "void"
    NOT_APPLICABLE = "not_applicable"


class Aside(Struct, frozen=True):
    """An in-scope line that the guideline does not apply to."""

    line: ServiceLine
    adopted: bool
    """False: the plan has not adopted the guideline; True: the line is for another service."""


class Explanation(Struct, frozen=True):
    """One claim event, explained."""

    status: Status
    error: MalformedEvent | None = None
    claim: Claim | None = None
    decision: Decision | None = None
    asides: tuple[Aside, ...] = ()
    by_line: Mapping[int, Changes] = {}
    """What would change each line, by line_number."""
    of_claim: Changes = Changes()


class Explainer:
    """Explains claim events with the decider that decides them."""

    def __init__(self, decider: Decider, policies: Policies, applicability: Applicability) -> None:
        self._decider = decider
        self._finder = Finder(decider, policies)
        self._applicability = applicability

    def explain(
        self, value: bytes, on_file: Callable[[str], tuple[Transplant, ...]]
    ) -> Explanation:
        """Explains the claim event in `value`.

        Args:
            value: the event as it came.
            on_file: gives the transplants on file of a member id.
        """
        try:
            claim = decode_claim(value)
        except MalformedEvent as error:
            return Explanation(Status.MALFORMED, error=error)
        if claim is None:
            return Explanation(Status.OUT_OF_SCOPE)
        if claim.frequency is ClaimFrequency.VOID:
            return Explanation(Status.VOID, claim=claim)
        case = Case(claim, on_file(claim.member_id))
        decision = self._decider.decide(claim, case.transplants)
        asides = self._asides(claim, decision)
        if decision is None:
            return Explanation(Status.NOT_APPLICABLE, claim=claim, asides=asides)
        by_line = {line.line_number: self._finder.of_line(case, line) for line in decision.lines}
        return Explanation(
            Status.DECIDED,
            claim=claim,
            decision=decision,
            asides=asides,
            by_line=by_line,
            of_claim=self._finder.of_claim(case, decision, by_line),
        )

    def _asides(self, claim: Claim, decision: Decision | None) -> tuple[Aside, ...]:
        decided = {line.line_number for line in decision.lines} if decision else set()
        return tuple(
            Aside(
                line,
                self._applicability.standing(
                    claim.line_of_business, claim.plan_id, claim.state, line.service_date
                ).adopted,
            )
            for line in claim.lines
            if line.line_number not in decided
        )


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation for machines."""
    error, decision = explanation.error, explanation.decision
    result: dict[str, Any] = {"status": explanation.status}
    if error is not None:
        result |= {"reason": error.reason, "where": error.where}
    if explanation.claim is not None:
        claim = explanation.claim
        result |= {"claim_id": claim.claim_id, "claim_version": claim.claim_version}
        result["not_applicable"] = [
            {
                "line_number": aside.line.line_number,
                "why": "another_service" if aside.adopted else "guideline_not_adopted",
            }
            for aside in explanation.asides
        ]
    if decision is not None:
        result["decision"] = {"guideline": GUIDELINE, **msgspec.to_builtins(decision)}
        result["would_change"] = {
            "claim": _changes(explanation.of_claim),
            "lines": [
                {"line_number": number, **_changes(changes)}
                for number, changes in explanation.by_line.items()
            ],
        }
    return result


def _changes(changes: Changes) -> dict[str, Any]:
    return {
        "complete": changes.complete,
        "smallest_sets": [
            {
                "to": change.to,
                "facts": [
                    {
                        "criterion": fact.question.criterion,
                        "transplant_id": fact.question.transplant_id,
                        "question": fact.question.asks,
                        "answer": fact.answer.says,
                        "field": fact.question.field,
                    }
                    for fact in change.facts
                ],
            }
            for change in changes.found
        ],
    }
