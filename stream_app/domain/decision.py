"""What the service decides and why (contract: schemas/decision.v1.schema.json)."""

from enum import StrEnum
from typing import Any

from msgspec import Struct

GUIDELINE = "CG-TRANS-03"


class Outcome(StrEnum):
    """What becomes of a line or a claim."""

    APPROVE = "approve"
    DENY = "deny"
    PEND = "pend"


class Trigger(StrEnum):
    """What made the service decide."""

    CLAIM = "claim"
    HISTORY_UPDATE = "history-update"
    REPLAY = "replay"


class Reason(Struct, frozen=True):
    """Why a line was decided so."""

    code: str
    text: str
    """One sentence of our own, without any value of the claim."""
    section: str
    """The guideline section (or the service's rule) it rests on."""


class Criterion(Struct, frozen=True, gc=False):
    """A criterion that was looked at, and what was found."""

    criterion: str
    value: bool | None
    """Kleene: true, false or unknown (None)."""
    evidence: dict[str, Any]
    """What was looked at, JSON values only, enough to redo the step by hand."""


class Adjustment(Struct, frozen=True):
    """X12 claim adjustment: group, CARC and RARCs for the remittance (835)."""

    group: str
    carc: str
    rarc: tuple[str, ...]


class ClaimStatus(Struct, frozen=True):
    """X12 claim status category (277)."""

    category: str


class LineDecision(Struct, frozen=True, gc=False):
    """What was decided of one in-scope line, and why."""

    line_number: int
    procedure_code: str
    decision: Outcome
    policy_version: str | None
    reasons: tuple[Reason, ...]
    criteria: tuple[Criterion, ...]
    adjustment: Adjustment | None
    claim_status: ClaimStatus | None


class Decision(Struct, frozen=True, gc=False):
    """The part of a decision event that depends on nothing but its inputs."""

    decision_id: str
    decision: Outcome
    claim_id: str
    claim_version: int
    member_id: str
    lines: tuple[LineDecision, ...]
