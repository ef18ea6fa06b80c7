"""Rules 3 to 10 for one service line: applicability first, adverse determinations last."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from msgspec import Struct

from stream_app.domain.claim import ServiceLine
from stream_app.domain.decision import (
    Adjustment,
    ClaimStatus,
    Criterion,
    LineDecision,
    Outcome,
    Reason,
)
from stream_app.domain.history import Transplant
from stream_app.domain.vocabulary import CriterionName, ReasonCode
from stream_app.policy.applicability import Applicability, Standing
from stream_app.policy.model import Policies
from stream_app.rules.settings import DecisionSettings
from stream_app.rules.version_rules import Codes, VersionRules

# Longer names are looked up anew each time, so that what the cache holds stays small.
_CACHED_TEXT = 128


class Place(Struct, frozen=True):
    """Where a line stands before anything on it is looked at (rule 3)."""

    standing: Standing
    rules: VersionRules | None
    """Those of the version in force."""
    criteria: tuple[Criterion, ...]
    basis: dict[str, Any]
    """What of this a decision id is made of, by name in order."""


class _Ruling(Struct, frozen=True):
    """What follows from a line's reason codes."""

    outcome: Outcome
    is_denial: bool
    reasons: tuple[Reason, ...]
    adjustment: Adjustment | None
    claim_status: ClaimStatus | None


class Engine:
    """Decides lines. Pure: the same line, transplants and place give the same decision."""

    def __init__(
        self, policies: Policies, applicability: Applicability, settings: DecisionSettings
    ) -> None:
        self._policies = policies
        self._applicability = applicability
        self._reviews_denials = settings.adverse_determination == "review"
        self._rules = {
            version.version: VersionRules(version, policies.icd10cm, settings)
            for version in policies.versions
        }
        # Claims come in by the day, so that few of these are in use at a time.
        self._cached_place = lru_cache(maxsize=8192)(self._place)
        self._rulings: dict[Codes, _Ruling] = {}

    def decide(
        self, line: ServiceLine, place: Place, transplants: Sequence[Transplant]
    ) -> LineDecision | None:
        """The decision on a line, or None where the guideline does not apply to it.

        Args:
            line: a service line in scope.
            place: that of the claim on the line's date of service.
            transplants: all unretracted ones of the member, by id.
        """
        if not place.standing.adopted:
            return None
        seen = list(place.criteria)
        codes = self._codes(line, place, transplants, seen)
        if codes is None:
            return None
        ruling = self._ruling(codes)
        if ruling.is_denial and self._is_reviewed(place.standing):
            ruling = self._ruling((ReasonCode.ADVERSE_DETERMINATION_REVIEW, *codes))
        return LineDecision(
            line_number=line.line_number,
            procedure_code=line.procedure_code,
            decision=ruling.outcome,
            policy_version=place.rules.version.version if place.rules else None,
            reasons=ruling.reasons,
            criteria=tuple(seen),
            adjustment=ruling.adjustment,
            claim_status=ruling.claim_status,
        )

    def _codes(
        self,
        line: ServiceLine,
        place: Place,
        transplants: Sequence[Transplant],
        seen: list[Criterion],
    ) -> Codes | None:
        if place.rules is None:
            return (ReasonCode.NO_POLICY_VERSION_IN_EFFECT,)
        if place.standing.takes_precedence:
            return (ReasonCode.PRECEDENCE_REVIEW,)
        return place.rules.decide(line, transplants, seen)

    def place(
        self, line_of_business: str | None, plan_id: str | None, state: str | None, on: date
    ) -> Place:
        """Rule 3 for the claims of one kind on one date of service."""
        text = len(line_of_business or "") + len(plan_id or "") + len(state or "")
        place = self._cached_place if text <= _CACHED_TEXT else self._place
        return place(line_of_business, plan_id, state, on)

    def _place(
        self, line_of_business: str | None, plan_id: str | None, state: str | None, on: date
    ) -> Place:
        standing = self._applicability.standing(line_of_business, plan_id, state, on)
        version = self._policies.in_force(on)
        day = on.isoformat()
        criteria = [
            Criterion(
                CriterionName.GUIDELINE_ADOPTED,
                standing.adopted,
                {
                    "line_of_business": line_of_business,
                    "plan_id": plan_id,
                    "state": state,
                    "service_date": day,
                },
            ),
            Criterion(
                CriterionName.POLICY_VERSION_IN_FORCE,
                version is not None,
                {"service_date": day, "policy_version": version.version if version else None},
            ),
        ]
        if version is not None:
            criteria.append(
                Criterion(
                    CriterionName.NOTHING_TAKES_PRECEDENCE,
                    not standing.takes_precedence,
                    {"takes_precedence": [source.value for source in standing.takes_precedence]},
                )
            )
        return Place(
            standing=standing,
            rules=self._rules[version.version] if version else None,
            criteria=tuple(criteria),
            basis={
                "adopted": standing.adopted,
                "adverse_determination": standing.adverse_determination,
                "policy": version.hash if version else None,
                "takes_precedence": standing.takes_precedence,
            },
        )

    def _is_reviewed(self, standing: Standing) -> bool:
        if standing.adverse_determination is None:
            return self._reviews_denials
        return standing.adverse_determination == "review"

    def _ruling(self, codes: Codes) -> _Ruling:
        """Worked out once for each combination of codes; there are fewer than a hundred."""
        ruling = self._rulings.get(codes)
        if ruling is None:
            rows = [self._policies.reasons[code] for code in codes]
            ruling = self._rulings[codes] = _Ruling(
                outcome=rows[0].outcome,
                is_denial=rows[0].outcome is Outcome.DENY,
                reasons=tuple(row.reason for row in rows),
                adjustment=rows[0].adjustment,
                claim_status=rows[0].claim_status,
            )
        return ruling
