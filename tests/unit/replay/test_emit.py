"""What is handed over to the owner of a claim, and how fast."""

import pytest

from stream_app.domain.decision import Outcome
from stream_app.pipeline.remember import LastDecision
from stream_app.replay.compared import Cause, Compared, ComparedDecision, ComparedLine
from stream_app.replay.emit import Pace, concerns_owner, may_have_been_decided, standing_of

PEND = ComparedDecision(
    "d",
    Outcome.PEND,
    3,
    (
        ComparedLine(2, "38242", Outcome.APPROVE, "2024-10-01", ("DLI_CRITERIA_MET",)),
        ComparedLine(1, "38242", Outcome.PEND, "2024-10-01", ("A", "B")),
    ),
    "2025-01-01T00:00:00Z",
)


def compared(
    cause: Cause, before: ComparedDecision | None = PEND, after: ComparedDecision | None = PEND
) -> Compared:
    return Compared("C", 3, "M", None, "2025-01", "claims", 0, 7, before, after, cause)


def test_decision_stands_as_its_owner_remembers_it_when_lines_come_in_any_order() -> None:
    expected = LastDecision("d", Outcome.PEND, (("A", "B"), ("DLI_CRITERIA_MET",)), 3, shadow=True)
    assert standing_of(PEND, shadow=True) == expected


@pytest.mark.parametrize(
    ("found", "concerned"),
    [
        (compared(Cause.NONE), False),
        (compared(Cause.HISTORY), True),
        (compared(Cause.POLICY), True),
        (compared(Cause.UNDECIDED, before=None), True),
        (compared(Cause.NOT_DECIDABLE, after=None), False),
    ],
)
def test_claim_is_handed_over_when_its_owner_has_something_to_tell(
    found: Compared, concerned: bool
) -> None:
    assert concerns_owner(found) is concerned


@pytest.mark.parametrize(
    ("before", "timestamp", "kept_since", "expected"),
    [
        (None, 99, 100, True),
        (None, 100, 100, False),
        (None, 5, 0, False),
        (PEND, 99, 100, False),
    ],
)
def test_claim_may_have_been_decided_when_it_is_older_than_what_is_kept(
    before: ComparedDecision | None, timestamp: int, kept_since: int, expected: bool
) -> None:
    found = compared(Cause.UNDECIDED, before=before)
    assert may_have_been_decided(found, timestamp, kept_since) is expected


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_claims_go_evenly_when_a_rate_is_given() -> None:
    time = Time()
    pace = Pace(4, time, time.sleep)
    at = []
    for _ in range(5):
        await pace.turn()
        at.append(time.now)
    assert at == [100.0, 100.25, 100.5, 100.75, 101.0]


async def test_there_is_no_burst_when_time_has_passed_unused() -> None:
    time = Time()
    pace = Pace(1, time, time.sleep)
    await pace.turn()
    time.now += 60
    for expected in (160.0, 161.0, 162.0):
        await pace.turn()
        assert time.now == expected


async def test_nobody_waits_when_no_rate_is_given() -> None:
    time = Time()
    pace = Pace(None, time, time.sleep)
    for _ in range(3):
        await pace.turn()
    assert time.now == 100.0


async def test_what_was_gathered_goes_out_by_the_second_when_the_pace_is_slow() -> None:
    time = Time()
    pace = Pace(4, time, time.sleep)
    due = []
    for _ in range(9):
        await pace.turn()
        due.append(pace.is_due())
    assert due == [False] * 4 + [True] + [False] * 3 + [True]
    assert not Pace(None, time, time.sleep).is_due()
