"""A job's rows over a made-up population, pinned to one version, for looking at its report.

`python -m tests.unit.replay.sample report.html` writes the page.
"""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

import msgspec

from stream_app.domain.claim import Claim
from stream_app.domain.decision import Decision
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.enrich import MemberHistory, standing_key
from stream_app.policy.load import load_policies
from stream_app.replay.compared import Cause, Compared, ComparedDecision, ComparedLine
from stream_app.replay.diff import report
from stream_app.replay.page import page
from stream_app.synthetic import Plan, Population, Stream
from tests.unit.replay.rows import FACTS

_LINES_OF_BUSINESS = ("commercial", "medicare-advantage", "medicaid", "exchange", None)


def sample(claims: int, pinned: str = "2024-10-01", seed: int = 1) -> Iterator[Compared]:
    """What a job finds that applies one version to every date of service.

    Of most claims late history was taken in when it came; of some it was not.
    """
    policies = load_policies()
    (version,) = (each for each in policies.versions if each.version == pinned)
    version = msgspec.structs.replace(version, effective_from=date.min, effective_through=None)
    live = Decider(policies)
    draft = Decider(msgspec.structs.replace(policies, versions=(version,)))
    rng = Random(seed)
    histories: dict[str, MemberHistory] = {}
    standing: dict[str, tuple[Claim, Decision | None, Decision | None]] = {}
    plan = Plan(seed=seed, claims=claims, incidence=0.998, poison=0.001, near_misses=0.001)
    for event in Population(plan):
        try:
            if event.stream is Stream.HISTORY:
                told = decode_history(event.value)
                histories.setdefault(told.member_id, MemberHistory()).apply(told)
                continue
            claim = decode_claim(event.value)
        except MalformedEvent:
            continue
        known = standing.get(claim.claim_id) if claim else None
        if claim is None or (known and standing_key(known[0]) >= standing_key(claim)):
            continue
        claim = msgspec.structs.replace(
            claim, line_of_business=rng.choices(_LINES_OF_BUSINESS, (50, 25, 15, 8, 2))[0]
        )
        on_file = histories.get(claim.member_id, MemberHistory()).on_file()
        standing[claim.claim_id] = (
            claim,
            live.decide(claim, on_file) if rng.random() > 0.002 else None,
            draft.decide(claim, on_file),
        )
    for offset, (claim, first, by_policy) in enumerate(standing.values()):
        on_file = histories.get(claim.member_id, MemberHistory()).on_file()
        after = draft.decide(claim, on_file)
        late_too = first is not None and rng.random() < 0.9
        before = live.decide(claim, on_file) if late_too else first
        yield Compared(
            claim_id=claim.claim_id,
            claim_version=claim.claim_version,
            member_id=claim.member_id,
            line_of_business=claim.line_of_business,
            service_month=f"{claim.lines[0].service_date:%Y-%m}" if claim.lines else "2024-10",
            topic="cg-trans-03.in-scope",
            partition=offset % 4,
            offset=offset // 4,
            before=_part(before, "2025-06-01T00:00:00Z"),
            after=_part(after, None),
            cause=_cause(before, after if late_too else by_policy, after),
        )


def _cause(before: Decision | None, by_policy: Decision | None, after: Decision | None) -> Cause:
    if _said(before) == _said(after):
        return Cause.NONE
    if before is None:
        return Cause.UNDECIDED
    if after is None:
        return Cause.NOT_DECIDABLE
    return Cause.HISTORY if _said(before) == _said(by_policy) else Cause.POLICY


def _said(decision: Decision | None) -> object:
    return decision and [(line.decision, line.reasons) for line in decision.lines]


def _part(decision: Decision | None, evaluated_at: str | None) -> ComparedDecision | None:
    if decision is None:
        return None
    return ComparedDecision(
        decision_id=decision.decision_id,
        decision=decision.decision,
        claim_version=decision.claim_version,
        lines=tuple(
            ComparedLine(
                line_number=line.line_number,
                procedure_code=line.procedure_code,
                decision=line.decision,
                policy_version=line.policy_version,
                reasons=tuple(reason.code for reason in line.reasons),
            )
            for line in decision.lines
        ),
        evaluated_at=evaluated_at,
    )


if __name__ == "__main__":
    facts = msgspec.structs.replace(FACTS, policy="pinned", records_read=6123)
    Path(sys.argv[1]).write_text(page(report(sample(6_000), facts)), encoding="utf-8")
