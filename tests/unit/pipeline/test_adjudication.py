"""Bounds and modes of the step; its invariant is held in `tests/property/test_adjudication.py`."""

from datetime import date

import msgspec
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
from stream_app.pipeline.handover import HandedOver
from stream_app.pipeline.remember import LastDecision, Source
from stream_app.policy.load import load_policies
from tests.property.test_adjudication import Tables

DECIDER = Decider(load_policies())
BOUNDS = Bounds(max_age_days=400, max_claims=10, max_row_bytes=100_000)
DAY = 24 * 60
REPLAY_ID = "00000000-0000-4000-8000-000000000000"
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


def handed_over(world: World, standing: LastDecision | None, version: int = 1):
    step = Adjudication(Rules(DECIDER, BOUNDS), world.tables, NOW)
    told = step.claim(claim(version=version), SOURCE, None, HandedOver(REPLAY_ID, standing))
    world.tables.claims.end(store=True)
    return told


def test_replay_decides_as_for_the_first_time_when_nothing_was_ever_decided() -> None:
    told = handed_over(World(), None)
    assert (told.trigger, told.replay_id, told.supersedes) == (Trigger.REPLAY, REPLAY_ID, None)


def test_decision_found_by_the_replay_is_superseded_when_the_claim_is_forgotten() -> None:
    world = World()
    world.step(history("h"))
    pend = LastDecision("old", Outcome.PEND, (("HISTORY_NOT_FOUND",),))
    told = handed_over(world, pend)
    assert (told.decision.decision, told.supersedes) == (Outcome.APPROVE, "old")
    assert handed_over(world, pend) is Silent.REDELIVERED


def test_approval_found_by_the_replay_is_not_taken_back_when_the_claim_is_forgotten() -> None:
    world = World()
    approval = LastDecision("old", Outcome.APPROVE, (("DLI_CRITERIA_MET",),))
    told = handed_over(world, approval)
    assert (told.approval, told.supersedes, told.replay_id) == (approval, None, REPLAY_ID)
    assert handed_over(world, approval) is Silent.REDELIVERED
    (over,) = world.step(history("h"))
    assert (over.approval, over.decision.decision) == (approval, Outcome.APPROVE)


def test_what_is_remembered_counts_when_the_replay_has_read_something_else() -> None:
    world = World()
    (first,) = world.step(claim())
    assert handed_over(world, None) is Silent.REDELIVERED
    world.step(history("h"))
    stale = LastDecision("x", Outcome.DENY, (("DONOR_MISMATCH",),))
    assert handed_over(world, stale) is Silent.REDELIVERED
    assert first.decision.decision is Outcome.PEND


def test_replay_is_silent_when_nothing_but_evidence_differs() -> None:
    world = World()
    world.step(history("h"), claim())
    other = msgspec.structs.replace(QUALIFYING, conditioning="myeloablative")
    assert world.step(history("i", other, minute=2)) == []
    assert handed_over(world, None) is Silent.REDELIVERED
    (repeated,) = world.step(claim())
    assert isinstance(repeated, Told)


def test_replay_of_an_older_version_is_silent_when_a_later_one_was_decided() -> None:
    world = World()
    later = LastDecision("old", Outcome.APPROVE, (("DLI_CRITERIA_MET",),), claim_version=2)
    assert handed_over(world, later) is Silent.OLDER
    world.step(claim(version=3))
    assert handed_over(world, later, version=2) is Silent.OLDER


def test_replay_is_the_platforms_word_when_it_brings_an_event_that_nobody_has_seen() -> None:
    """A job may read the core topic faster than the worker."""
    world = World()
    world.step(history("h"), claim())
    other = msgspec.structs.replace(LINE, donor_id="D2")
    restated = msgspec.structs.replace(
        claim(minute=499 * DAY + 1), event_id="restated", lines=(other,)
    )
    step = Adjudication(Rules(DECIDER, BOUNDS), world.tables, NOW)
    told = step.claim(restated, SOURCE, None, HandedOver(REPLAY_ID, None))
    assert isinstance(told, Told)
    assert (told.decision.decision, told.approval) == (Outcome.DENY, None)


def test_shadow_decision_found_by_the_replay_counts_for_nothing_when_the_worker_is_live() -> None:
    shadow = LastDecision("old", Outcome.APPROVE, (("DLI_CRITERIA_MET",),), shadow=True)
    told = handed_over(World(), shadow)
    assert (told.decision.decision, told.supersedes, told.approval) == (Outcome.PEND, None, None)


def test_claim_handed_over_in_shadow_mode_is_nothing_to_a_live_worker() -> None:
    """Both read the same topic."""
    world = World()
    step = Adjudication(Rules(DECIDER, BOUNDS), world.tables, NOW)
    to_shadow = HandedOver(REPLAY_ID, None, shadow=True)
    assert step.claim(claim(), SOURCE, None, to_shadow) is Silent.OTHER_MODE
    step = Adjudication(Rules(DECIDER, BOUNDS, shadow=True), world.tables, NOW)
    assert step.claim(claim(), SOURCE, None, HandedOver(REPLAY_ID, None)) is Silent.OTHER_MODE
    assert isinstance(step.claim(claim(), SOURCE, None, to_shadow), Told)


def test_decision_found_by_the_replay_is_remembered_when_nothing_is_told_of_it() -> None:
    """The claim is remembered, but what was sent of it is not: the table was a shadow worker's."""
    world = World()
    world.step(history("h"), claim(), shadow=True)
    approval = LastDecision("old", Outcome.APPROVE, (("DLI_CRITERIA_MET",),))
    assert handed_over(world, approval) is Silent.REDELIVERED
    (drift,) = world.step(history("gone", None, minute=2))
    assert drift.approval == approval
