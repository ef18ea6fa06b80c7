"""What a dry run reports (contract: schemas/replay-report.v1.schema.json).

No member id is part of it: whoever reads it looks claims up, not people.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from stream_app.domain.decision import GUIDELINE, Outcome
from stream_app.replay.compared import Cause


class PolicyUsed(Struct, frozen=True, kw_only=True):
    """One version of the guideline that the job decided by."""

    version: str
    sha256: str
    effective_from: str
    """First day of service that the job applied it to; 0001-01-01 where it was pinned."""
    effective_through: str | None


class Selection(Struct, frozen=True, kw_only=True):
    """Which claims were asked for, as given. Of ids only how many were named."""

    start: str | None = None
    """`--from`; None: from the beginning."""
    end: str | None = None
    """`--to`; None: up to what there was when the job began."""
    members: int = 0
    """0: whichever."""
    claims: int = 0
    decisions: tuple[Outcome, ...] = ()
    reasons: tuple[str, ...] = ()


class JobFacts(Struct, frozen=True, kw_only=True):
    """What a job was asked to do, by what it decided, and how much it read."""

    replay_id: str
    started_at: str
    finished_at: str
    software_version: str
    source: Literal["in-scope", "core"]
    topic: str
    decision_topics: tuple[str, ...]
    """Where what was decided was read."""
    selection: Selection
    history_as_of: str | None = None
    """As given; None: what is on file now."""
    policy: Literal["in-force", "pinned", "draft"] = "in-force"
    policy_versions: tuple[PolicyUsed, ...]
    settings: dict[str, str]
    """Those that change outcomes, and what the applicability file is, if there is one."""
    records_read: int
    records_unreadable: int = 0
    """Records of the source that hold no valid claim; they are dead letters to the worker."""
    claims_moved_on: int = 0
    """Claims within the bounds only by an event that stands no longer; not compared."""
    handed_over: int | None = None
    """Changed claims handed to their owner; None: a dry run."""


class Transition(Struct, frozen=True, kw_only=True):
    """How many claims went from one outcome to another.

    `before` None: no decision was found. `after` None: there would be no decision.
    """

    before: Outcome | None
    after: Outcome | None
    claims: int
    changed: int
    """Of them; where both outcomes are the same, those with other reasons."""


class CauseCount(Struct, frozen=True, kw_only=True):
    """How many claims changed for this cause."""

    cause: Cause
    claims: int


class ReasonChange(Struct, frozen=True, kw_only=True):
    """How many changed lines went from one first reason to another.

    None: the line has no decision on that side. The same code twice: further reasons differ.
    """

    before: str | None
    after: str | None
    lines: int
    rest: bool = False
    """Whether this stands for all that is not told apart for lack of room."""


class VersionChange(Struct, frozen=True, kw_only=True):
    """How many lines were decided by one version and are now by another.

    None: no version was in force, or the line has no decision on that side.
    """

    before: str | None
    after: str | None
    lines: int
    changed: int
    rest: bool = False


class Group(Struct, frozen=True, kw_only=True):
    """The claims of one line of business, or of one month of service."""

    value: str | None
    """None: not given on the claim, or the rest."""
    claims: int
    to_approve: int
    to_deny: int
    to_pend: int
    other_reasons: int
    """The outcome stays, a reason does not."""
    to_none: int
    """Decided, and now there would be no decision."""
    rest: bool = False

    @property
    def changed(self) -> int:
        """All changed claims of the group."""
        return self.to_approve + self.to_deny + self.to_pend + self.other_reasons + self.to_none


class Place(Struct, frozen=True, kw_only=True):
    """Where a claim event lies."""

    topic: str
    partition: int
    offset: int


class LineSide(Struct, frozen=True, kw_only=True):
    """One line as it was decided, or would be."""

    decision: Outcome
    policy_version: str | None
    reasons: tuple[str, ...]


class LineChange(Struct, frozen=True, kw_only=True):
    """One line of a changed claim that is decided otherwise."""

    line_number: int
    procedure_code: str
    before: LineSide | None
    after: LineSide | None


class Change(Struct, frozen=True, kw_only=True):
    """One changed claim."""

    claim_id: str
    claim_version: int
    claim_version_before: int | None
    """The version that what stands was decided of."""
    line_of_business: str | None
    service_month: str
    cause: Cause
    before: Outcome | None
    after: Outcome | None
    decision_id_before: str | None
    decision_id_after: str | None
    evaluated_at_before: str | None
    reproducible: bool
    source: Place
    lines: tuple[LineChange, ...]


class Report(Struct, frozen=True, kw_only=True):
    """What a job found."""

    report: Literal["cg-trans-03 replay report v1"] = "cg-trans-03 replay report v1"
    guideline: str = GUIDELINE
    job: JobFacts
    compared: int
    changed: int
    unchanged: int
    lines_compared: int
    lines_changed: int
    irreproducible: int
    """Claims that gave two different decision ids when worked out twice; must be 0."""
    irreproducible_sources: tuple[Place, ...]
    """The first of them."""
    transitions: tuple[Transition, ...]
    causes: tuple[CauseCount, ...]
    reasons: tuple[ReasonChange, ...]
    policy_versions: tuple[VersionChange, ...]
    lines_of_business: tuple[Group, ...]
    months: tuple[Group, ...]
    changes: tuple[Change, ...]
    """Not all where there are many, but some of every kind; the CSV has all."""

    def to_json(self) -> bytes:
        """The report as its schema has it."""
        return msgspec.json.encode(self)
