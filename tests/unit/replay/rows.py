"""Rows and facts of a job, with everything left out that a test does not speak of."""

from typing import Any

import msgspec
from hypothesis import strategies as st

from stream_app.domain.decision import Outcome
from stream_app.domain.vocabulary import ReasonCode
from stream_app.replay.compared import Cause, Compared, ComparedDecision, ComparedLine
from stream_app.replay.diff_model import JobFacts, PolicyUsed, Selection

APPROVE, DENY, PEND = Outcome
REASONS = {
    APPROVE: "DLI_CRITERIA_MET",
    DENY: "DIAGNOSIS_NOT_LISTED",
    PEND: "HISTORY_NOT_FOUND",
}
FACTS = JobFacts(
    replay_id="0f6a4c1e-52f1-4a35-9d53-3b1f2f4b7a11",
    started_at="2026-11-21T06:00:00Z",
    finished_at="2026-11-21T06:01:12Z",
    software_version="0.1.0",
    source="in-scope",
    topic="cg-trans-03.in-scope",
    decision_topics=("cg-trans-03.approve", "cg-trans-03.deny", "cg-trans-03.pend"),
    selection=Selection(),
    policy_versions=(
        PolicyUsed(
            version="2024-10-01",
            sha256="9b" * 32,
            effective_from="2024-10-01",
            effective_through=None,
        ),
    ),
    settings={"missing_donor": "pend", "history": "complete"},
    records_read=12,
)


def line(outcome: Outcome, *reasons: str, number: int = 1, version: str | None = "2024-10-01"):
    return ComparedLine(
        line_number=number,
        procedure_code="38242",
        decision=outcome,
        policy_version=version,
        reasons=reasons or (REASONS[outcome],),
    )


def decided(*lines: ComparedLine) -> ComparedDecision | None:
    """A decision of these lines, whose outcome is the heaviest of theirs; None of none."""
    if not lines:
        return None
    return ComparedDecision(
        decision_id=f"id-of-{'-'.join(each.decision for each in lines)}",
        decision=max((each.decision for each in lines), key=[APPROVE, DENY, PEND].index),
        claim_version=1,
        lines=lines,
    )


def row(before: ComparedDecision | None, after: ComparedDecision | None, **more: Any) -> Compared:
    """One claim; its cause is told from the two decisions, unless given."""
    made = Compared(
        claim_id="claim-1",
        claim_version=1,
        member_id="member-1",
        line_of_business="commercial",
        service_month="2024-09",
        topic="cg-trans-03.in-scope",
        partition=0,
        offset=7,
        before=before,
        after=after,
        cause=_cause(before, after),
    )
    return msgspec.structs.replace(made, **more)


def plain(before: Outcome | None, after: Outcome | None, **more: Any) -> Compared:
    """One claim of one line."""
    return row(
        decided(line(before)) if before else None, decided(line(after)) if after else None, **more
    )


def _cause(before: ComparedDecision | None, after: ComparedDecision | None) -> Cause:
    if _said(before) == _said(after):
        return Cause.NONE
    if before is None:
        return Cause.UNDECIDED
    return Cause.NOT_DECIDABLE if after is None else Cause.POLICY


def _said(decision: ComparedDecision | None) -> object:
    return decision and [(each.line_number, each.decision, each.reasons) for each in decision.lines]


_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_lines = st.lists(
    st.builds(
        line,
        st.sampled_from(Outcome),
        st.sampled_from([*ReasonCode, "OF_OLDER_SOFTWARE"]).map(str),
        number=st.integers(1, 4),
        version=st.sampled_from(["2023-06-28", "2024-10-01", None]),
    ),
    max_size=3,
    unique_by=lambda each: each.line_number,
)
_decisions = _lines.map(lambda lines: decided(*lines))


def rows() -> st.SearchStrategy[list[Compared]]:
    """Any claims, of any text, changed or not."""
    return st.lists(
        st.builds(
            row,
            _decisions,
            _decisions,
            claim_id=_texts,
            line_of_business=st.none() | _texts,
            service_month=st.sampled_from(["2023-06", "2024-09", "2024-10", "1999-01"]),
            reproducible=st.booleans(),
        ),
        max_size=12,
    )
