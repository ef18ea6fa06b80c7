"""Whether the guideline applies to a claim's line at all (rule 3)."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Literal

from msgspec import Struct


class Precedence(StrEnum):
    """What the guideline's closing notice says comes before it."""

    FEDERAL_LAW = "federal_law"
    STATE_LAW = "state_law"
    CONTRACT = "contract"
    MEDICAL_POLICY = "medical_policy"


class AdverseDetermination(StrEnum):
    """Send denials as denials, or to a clinician first."""

    EMIT = "emit"
    REVIEW = "review"


class ApplicabilityRow(Struct, frozen=True):
    """What holds for some lines; a field that is None matches anything."""

    line_of_business: str | None = None
    plan_id: str | None = None
    state: str | None = None
    effective_from: date | None = None
    effective_through: date | None = None
    adopted: bool | None = None
    """Whether the guideline is adopted; None: the row does not say."""
    takes_precedence: Precedence | None = None
    adverse_determination: AdverseDetermination | None = None

    def matches(
        self, line_of_business: str | None, plan_id: str | None, state: str | None, on: date
    ) -> bool:
        """Whether the row says something of such a line."""
        return (
            _matches(self.line_of_business, line_of_business)
            and _matches(self.plan_id, plan_id)
            and _matches(self.state, state)
            and (self.effective_from is None or self.effective_from <= on)
            and (self.effective_through is None or on <= self.effective_through)
        )


class Standing(Struct, frozen=True):
    """What the rows that match come to."""

    adopted: bool
    takes_precedence: tuple[Precedence, ...]
    adverse_determination: Literal["emit", "review"] | None
    """None: as the service's setting says."""


class Applicability(Struct, frozen=True):
    """All rows. Their order means nothing: `no` beats `yes`, review beats emit."""

    rows: tuple[ApplicabilityRow, ...] = ()
    adopted_by_default: bool = True
    """For lines that no row with `adopted` matches."""

    def standing(
        self, line_of_business: str | None, plan_id: str | None, state: str | None, on: date
    ) -> Standing:
        """What holds for a line of a claim.

        Args:
            line_of_business: as the claim says; None matches open fields only.
            plan_id: the same.
            state: the same.
            on: the line's date of service.
        """
        rows = [row for row in self.rows if row.matches(line_of_business, plan_id, state, on)]
        said = [row.adopted for row in rows if row.adopted is not None]
        determinations = {row.adverse_determination for row in rows}
        return Standing(
            adopted=all(said) if said else self.adopted_by_default,
            takes_precedence=tuple(sorted(_given(row.takes_precedence for row in rows))),
            adverse_determination=(
                "review"
                if AdverseDetermination.REVIEW in determinations
                else "emit"
                if AdverseDetermination.EMIT in determinations
                else None
            ),
        )


def _given(values: Iterable[Precedence | None]) -> set[Precedence]:
    return {value for value in values if value is not None}


def _matches(wanted: str | None, given: str | None) -> bool:
    return wanted is None or (
        given is not None and wanted.strip().casefold() == given.strip().casefold()
    )
