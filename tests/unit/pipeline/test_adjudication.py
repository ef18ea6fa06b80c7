"""Bounds and modes of the step; its invariant is held in `tests/property/test_adjudication.py`."""

from datetime import date

import pytest

from stream_app.domain.claim import Claim, ServiceLine
from stream_app.domain.codes import Icd10Code
from stream_app.domain.decision import Outcome, Trigger
from stream_app.domain.history import HistoryEvent, Transplant, TransplantType
from stream_app.domain.instant import Instant
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.adjudication import Adjudication, Bounds, Rules, Silent, Told
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.enrich import Change
from stream_app.pipeline.remember import Source
from stream_app.policy.load import load_policies
from tests.property.test_adjudication import Tables

DECIDER = Decider(load_policies())
BOUNDS = Bounds(max_age_days=400, max_claims=10, max_row_bytes=100_000)
DAY = 24 * 60
NOW = Instant(500 * DAY, 0)
SOURCE = Source("claims", 0, 7)
LINE = ServiceLine(1, "38242", date(2025, 3, 10), (Icd10Code("C9210"),), donor_id="D1")
QUALIFYING = Transplant(
    "T",
    TransplantType.ALLOGENEIC,
    transplant_date=date(2024, 6, 1),
    indication="C92.10",
    medically_necessary=True,
    donor_id="D1",
)


def claim(claim_id: str = "C", minute: int = 499 * DAY, version: int = 1) -> Claim:
    return Claim(f"e{version}", Instant(minute, 0), claim_id, "M", (LINE,), version)


def history(
    event_id: str, transplant: Transplant | None = QUALIFYING, minute: int = 1
) -> HistoryEvent:
    return HistoryEvent(event_id, Instant(minute, 0), "M", "T", transplant)


class World:
    """One member's tables, batch after batch."""

    def __init__(self) -> None:
        self.tables = Tables()

    def step(
        self,
        *events: Claim | HistoryEvent,
        bounds: Bounds = BOUNDS,
        shadow: bool = False,
        now: Instant = NOW,
    ):
        step = Adjudication(Rules(DECIDER, bounds, shadow), self.tables, now)
        answers = []
        for event in events:
            if isinstance(event, Claim):
                answers.append(step.claim(event, SOURCE, None))
            else:
                step.history(event)
        answers += step.late()
        self.tables.claims.end(store=True)
        self.tables.history.end(store=True)
        self.forgotten = step.forgotten
        return answers


def test_claim_is_not_decided_again_when_it_grew_too_old_meanwhile() -> None:
    world = World()
    world.step(claim("old"), now=Instant(NOW.minute - 401 * DAY, 0))
    world.step(claim("young"), now=Instant(NOW.minute - 10 * DAY, 0))
    (told,) = world.step(history("h"))
    assert told.decision.claim_id == "young"
    assert world.forgotten == 1


def test_history_event_is_refused_when_the_row_has_no_room_and_nothing_of_it_is_kept() -> None:
    world = World()
    step = Adjudication(Rules(DECIDER, BOUNDS._replace(max_row_bytes=400)), world.tables, NOW)
    assert step.history(history("h0")) is Change.ON_FILE
    long = "h" * 120
    step.history(history(long, minute=2))
    with pytest.raises(MalformedEvent) as refused:
        step.history(history(long + "h", minute=3))
    assert refused.value.reason is DeadLetterReason.TOO_LARGE
    assert step.erase("M") == (("T", "h0"), ("T", long))


def test_shadow_decision_was_never_made_when_the_worker_goes_live() -> None:
    world = World()
    (shadow,) = world.step(history("h"), claim(), shadow=True)
    assert shadow.decision.decision is Outcome.APPROVE
    (live,) = world.step(history("gone", None, minute=2))
    assert (live.trigger, live.supersedes, live.approval) == (Trigger.HISTORY_UPDATE, None, None)
    assert world.step(claim()) == [Silent.REDELIVERED]


def test_drift_in_shadow_mode_is_told_of_the_shadow_approval() -> None:
    world = World()
    (approval,) = world.step(history("h"), claim(), shadow=True)
    (drift,) = world.step(history("gone", None, minute=2), shadow=True)
    assert isinstance(drift, Told)
    assert drift.approval is not None
    assert drift.approval.decision_id == approval.decision.decision_id
    assert drift.causation_id == "gone"
