"""From a claim and the member's transplants to a decision and its id."""

from collections.abc import Callable, Sequence
from hashlib import sha1
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import orjson

from stream_app.domain.claim import Claim, ClaimFrequency, ServiceLine
from stream_app.domain.decision import Decision, LineDecision, Outcome
from stream_app.domain.history import Transplant
from stream_app.policy.applicability import Applicability
from stream_app.policy.model import Policies
from stream_app.rules.engine import Engine, Place
from stream_app.rules.settings import DecisionSettings

_T = TypeVar("_T")

DECISION_NAMESPACE = UUID("5a3b0f6e-9c0e-4c55-8d4e-2b7f1c6a9d03")
"""Namespace of every decision id; changing it renames every decision ever made."""

_NAMED = sha1(DECISION_NAMESPACE.bytes, usedforsecurity=False)
_WEIGHTS = {Outcome.APPROVE: 0, Outcome.DENY: 1, Outcome.PEND: 2}
_VOID = ClaimFrequency.VOID
_BY_NUMBER = attrgetter("line_number")
_BY_ID = attrgetter("transplant_id")


class Decider:
    """Decides claims. Pure: no clock, no I/O; the same inputs give the same decision and id."""

    def __init__(
        self,
        policies: Policies,
        applicability: Applicability | None = None,
        settings: DecisionSettings | None = None,
    ) -> None:
        settings = settings or DecisionSettings()
        self._engine = Engine(policies, applicability or Applicability(), settings)
        self._settings_basis = dict(sorted(msgspec.to_builtins(settings).items()))
        self._reasons_hash = policies.reasons_hash

    def decide(self, claim: Claim, transplants: Sequence[Transplant]) -> Decision | None:
        """The decision on a claim, or None where it is void or no line of it is concerned.

        Args:
            claim: the version of the claim that stands.
            transplants: all unretracted ones of the member, in any order.
        """
        if claim.frequency is _VOID:
            return None
        transplants = _in_order(transplants, _BY_ID)
        lines = _in_order(claim.lines, _BY_NUMBER)
        engine = self._engine
        places = []
        decisions = []
        for line in lines:
            where = engine.place(
                claim.line_of_business, claim.plan_id, claim.state, line.service_date
            )
            places.append(where)
            decision = engine.decide(line, where, transplants)
            if decision is not None:
                decisions.append(decision)
        if not decisions:
            return None
        return Decision(
            decision_id=_name(self._basis(claim, lines, places, transplants)),
            decision=_outcome(decisions),
            claim_id=claim.claim_id,
            claim_version=claim.claim_version,
            member_id=claim.member_id,
            lines=tuple(decisions),
        )

    def decision_id(self, claim: Claim, transplants: Sequence[Transplant]) -> str:
        """The id of the decision that a claim gets, where it gets one; by itself half the work."""
        lines = _in_order(claim.lines, _BY_NUMBER)
        places = [
            self._engine.place(
                claim.line_of_business, claim.plan_id, claim.state, line.service_date
            )
            for line in lines
        ]
        return _name(self._basis(claim, lines, places, _in_order(transplants, _BY_ID)))

    def _basis(
        self,
        claim: Claim,
        lines: Sequence[ServiceLine],
        places: list[Place],
        transplants: Sequence[Transplant],
    ) -> bytes:
        """Canonical JSON (RFC 8785) of exactly what a decision rests on.

        orjson writes it so as long as every object names its members in order, as here they all
        do: the names are ASCII, and there are no floats and no integers beyond 2**53.
        """
        return orjson.dumps(
            {
                "claim_id": claim.claim_id,
                "claim_version": claim.claim_version,
                "line_of_business": claim.line_of_business,
                "lines": list(map(_line_basis, lines, places)),
                "member_id": claim.member_id,
                "plan_id": claim.plan_id,
                "reasons": self._reasons_hash,
                "settings": self._settings_basis,
                "state": claim.state,
                "transplants": list(map(_transplant_basis, transplants)),
            }
        )


def _in_order(values: Sequence[_T], key: Callable[[_T], Any]) -> Sequence[_T]:
    return values if len(values) < 2 else sorted(values, key=key)


def _outcome(lines: Sequence[LineDecision]) -> Outcome:
    """One line that pends makes the claim pend; else one that denies makes it deny."""
    if len(lines) == 1:
        return lines[0].decision
    return max((line.decision for line in lines), key=_WEIGHTS.__getitem__)


def _line_basis(line: ServiceLine, where: Place) -> dict[str, Any]:
    return {
        "applicability": where.basis,
        # With what each is to the rules, which the ICD-10-CM table has a say in.
        "diagnoses": where.rules.findings(line)
        if where.rules is not None
        else dict.fromkeys(sorted(line.diagnoses)),
        "donor_id": line.donor_id,
        "line_number": line.line_number,
        "procedure_code": line.procedure_code,
        "procedure_description": line.procedure_description,
        "service_date": line.service_date,
        "service_date_end": line.service_date_end,
        "specified_as": line.specified_as,
    }


def _transplant_basis(transplant: Transplant) -> dict[str, Any]:
    return {
        "conditioning": transplant.conditioning,
        "donor_id": transplant.donor_id,
        "indication": transplant.indication,
        "medically_necessary": transplant.medically_necessary,
        "status": transplant.status,
        "transplant_date": transplant.transplant_date,
        "transplant_id": transplant.transplant_id,
        "type": transplant.type,
    }


def _name(basis: bytes) -> str:
    """UUIDv5 of `basis` (RFC 9562), which `uuid.uuid5` takes as text only and far more slowly."""
    digest = _NAMED.copy()
    digest.update(basis)
    name = digest.hexdigest()
    variant = "89ab"[int(name[16], 16) & 3]
    return f"{name[:8]}-{name[8:12]}-5{name[13:16]}-{variant}{name[17:20]}-{name[20:32]}"
