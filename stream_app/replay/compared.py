"""One claim decided again, beside what was decided of it."""

from enum import StrEnum

from msgspec import Struct

from stream_app.domain.decision import Outcome


class Cause(StrEnum):
    """Why the decision now is another than the one that stands."""

    NONE = "none"
    """It is not: outcome and reasons of every line are the same."""
    HISTORY = "history"
    """What is on file of the member's transplants has changed since it was decided."""
    POLICY = "policy"
    """By what was known when it was decided, this policy (or setting, or code) says otherwise."""
    UNDECIDED = "undecided"
    """No decision on the claim was found, or one of an earlier version only."""
    NOT_DECIDABLE = "not_decidable"
    """It was decided, and now it would not be: the guideline does not apply."""


class ComparedLine(Struct, frozen=True, array_like=True):
    """What was decided of one line, as much of it as is compared."""

    line_number: int
    procedure_code: str
    decision: Outcome
    policy_version: str | None
    reasons: tuple[str, ...]


class ComparedDecision(Struct, frozen=True, array_like=True):
    """A decision, as much of it as is compared."""

    decision_id: str
    decision: Outcome
    claim_version: int
    lines: tuple[ComparedLine, ...]
    evaluated_at: str | None = None
    """RFC 3339; None for what is decided now."""


class Compared(Struct, frozen=True, array_like=True):
    """One claim: what stands, what would be decided now."""

    claim_id: str
    claim_version: int
    member_id: str
    line_of_business: str | None
    service_month: str
    """Of the first in-scope line: 2024-09."""
    topic: str
    partition: int
    offset: int
    """Where the claim event lies (`source` of its decisions)."""
    before: ComparedDecision | None
    after: ComparedDecision | None
    cause: Cause
    reproducible: bool = True
    """Whether the decision_id came out the same when it was worked out a second time."""

    @property
    def changed(self) -> bool:
        """Whether a dry run reports it as a change."""
        return self.cause is not Cause.NONE
