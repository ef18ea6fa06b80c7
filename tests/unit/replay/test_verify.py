"""Redoing a decision: which history it was made by, and what is another."""

import itertools
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream_app.domain.claim import Claim, ServiceLine
from stream_app.domain.codes import Icd10Code
from stream_app.domain.decision import Trigger
from stream_app.domain.history import HistoryEvent, Transplant, TransplantType
from stream_app.domain.instant import Instant
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.encode import encode_decision
from stream_app.pipeline.enrich import MemberHistory
from stream_app.policy.load import load_policies
from stream_app.replay.history import Heard
from stream_app.replay.verify import (
    NO_CLAIM,
    NO_HISTORY,
    NotADecision,
    Recorded,
    State,
    Verdict,
    read_recorded,
    states_at,
    verify,
)
from stream_app.rules.settings import DecisionSettings

POLICIES = load_policies()
HELD = {version.version for version in POLICIES.versions}
DECIDER = Decider(POLICIES)
LINE = ServiceLine(1, "38242", date(2025, 3, 10), (Icd10Code("C9210"),), donor_id="D1")
CLAIM = Claim("e", Instant(1, 0), "C", "M", (LINE,))
AT = 1_000_000
RIGHT = Transplant(
    "T",
    TransplantType.ALLOGENEIC,
    transplant_date=date(2024, 6, 1),
    indication="C92.10",
    medically_necessary=True,
    donor_id="D1",
)


def heard(at: int, transplant: Transplant | None = RIGHT, number: int | None = None) -> Heard:
    number = at if number is None else number
    return Heard(at, HistoryEvent(f"h{number}", Instant(number, 0), "M", "T", transplant))


def event(
    *transplants: Transplant, claim: Claim = CLAIM, decider: Decider = DECIDER, **fields: Any
) -> bytes:
    decision = decider.decide(claim, transplants)
    assert decision is not None
    given = {
        "trigger": Trigger.CLAIM,
        "supersedes": None,
        "replay_id": None,
        "source": {"topic": "claims", "partition": 0, "offset": 7},
        "evaluated_at": "2025-01-01T00:00:00.000+00:00",
    }
    return encode_decision(decision, **(given | fields))


def redone(recorded: bytes, *events: Heard, decider: Decider = DECIDER) -> Verdict:
    states = states_at(events, AT)
    return verify(read_recorded(recorded), CLAIM, states, decider, HELD)


def test_decision_is_the_same_when_nothing_has_changed() -> None:
    verdict = redone(event(RIGHT), heard(AT - 5_000))
    assert (verdict.same, verdict.without_ms, verdict.with_ms) == (True, 0, 0)


def test_later_history_does_not_count_when_it_came_in_after_the_decision() -> None:
    verdict = redone(event(RIGHT), heard(AT - 5_000), heard(AT + 5_000, None))
    assert (verdict.same, verdict.without_ms, verdict.with_ms) == (True, 0, 0)


def test_decision_is_the_same_and_it_is_said_when_the_worker_was_behind() -> None:
    verdict = redone(event(), heard(AT - 2_000))
    assert (verdict.same, verdict.without_ms, verdict.with_ms) == (True, 2_001, 0)


def test_decision_is_the_same_and_it_is_said_when_the_platforms_clock_is_ahead() -> None:
    verdict = redone(event(RIGHT), heard(AT + 30))
    assert (verdict.same, verdict.without_ms, verdict.with_ms) == (True, 0, 30)


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=6),
    st.lists(st.sampled_from([RIGHT, None, "D2"]), min_size=6, max_size=6),
    st.integers(0, 6),
)
@example([0, -1], [RIGHT, None, RIGHT, RIGHT, RIGHT, RIGHT], 1)
def test_every_state_that_the_worker_was_in_is_found_and_none_that_it_never_was_in(
    times: list[int], records: list[Any], taken_in: int
) -> None:
    """Events come in one by one, whatever times they bear."""
    events = [
        heard(
            AT + time,
            msgspec.structs.replace(RIGHT, donor_id=each) if each == "D2" else each,
            number,
        )
        for number, (time, each) in enumerate(zip(times, records, strict=False))
    ]
    known = MemberHistory()
    for each in events[:taken_in]:
        known.apply(each.event)
    states = states_at(events, AT)
    assert known.on_file() in [state.transplants for state in states]
    assert states[0].distance == 0
    assert [each.distance for each in states] == sorted(each.distance for each in states)
    subsets = itertools.chain.from_iterable(
        itertools.combinations(events, size) for size in range(len(events) + 1)
    )
    possible = set()
    for subset in subsets:
        some = MemberHistory()
        for each in subset:
            some.apply(each.event)
        possible.add(some.on_file())
    assert {state.transplants for state in states} <= possible


def test_outcome_and_reasons_are_named_when_a_setting_makes_others() -> None:
    line = msgspec.structs.replace(LINE, donor_id=None)
    claim = msgspec.structs.replace(CLAIM, lines=(line,))
    presuming = Decider(POLICIES, settings=DecisionSettings(missing_donor="presume_same"))
    recorded = read_recorded(event(RIGHT, claim=claim))
    verdict = verify(recorded, claim, [State((RIGHT,))], presuming, HELD)
    assert not verdict.same
    assert [(each.what, each.text) for each in verdict.differences] == [
        ("outcome", "was pend, now approve"),
        ("line", "line 1: was pend, now approve"),
        ("reasons", "line 1: for DONOR_UNKNOWN, now DLI_CRITERIA_MET"),
    ]
    assert verdict.now is not None
    assert verdict.now["decision"] == "approve"


def test_settings_or_policy_are_suspected_when_only_the_id_is_another() -> None:
    presuming = Decider(POLICIES, settings=DecisionSettings(missing_donor="presume_same"))
    (difference,) = redone(event(RIGHT), heard(AT), decider=presuming).differences
    assert difference.what == "id"
    assert "settings, policy files" in difference.text


def test_evidence_is_named_when_it_alone_differs() -> None:
    other = msgspec.structs.replace(RIGHT, transplant_date=date(2024, 6, 2))
    (difference,) = redone(event(RIGHT), heard(AT, other)).differences
    assert "evidence differs (transplant_performed_before_infusion)" in difference.text


def test_missing_history_is_told_when_the_member_was_erased() -> None:
    first, *_ = redone(event(RIGHT)).differences
    assert first == NO_HISTORY


def test_missing_claim_is_told_when_its_record_is_gone() -> None:
    verdict = verify(read_recorded(event()), None, [State(())], DECIDER, HELD)
    assert (verdict.same, verdict.differences) == (False, (NO_CLAIM,))


def test_version_is_named_when_it_is_not_held_any_more() -> None:
    recorded = event(RIGHT).replace(b'"policy_version":"2024-10-01"', b'"policy_version":"1999"')
    recorded = recorded.replace(b'"decision_id":"', b'"decision_id":"0')
    found = [each.text for each in redone(recorded, heard(AT)).differences]
    assert "line 1: version 1999 is not held" in found


def test_lines_are_named_when_they_are_decided_on_one_side_only() -> None:
    two = msgspec.structs.replace(CLAIM, lines=(LINE, msgspec.structs.replace(LINE, line_number=2)))
    assert "line 2: would not be decided now" in texts(event(RIGHT, claim=two), CLAIM)
    assert "line 2: was not decided then" in texts(event(RIGHT), two)


def texts(recorded: bytes, claim: Claim) -> list[str]:
    verdict = verify(read_recorded(recorded), claim, [State((RIGHT,))], DECIDER, HELD)
    return [each.text for each in verdict.differences]


def test_claim_of_another_version_or_member_is_not_taken_for_the_decided_one() -> None:
    recorded = read_recorded(event())
    assert recorded.is_of(CLAIM)
    for change in ({"claim_version": 2}, {"member_id": "N"}, {"claim_id": "D"}):
        assert not recorded.is_of(msgspec.structs.replace(CLAIM, **change))
    assert not recorded.is_of(None)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ((b'"member_id"', b'"m"'), "is no decision event; see $"),
        ((b'"decision":"pend"', b'"decision":"secret"'), "is no decision event; see $.decision"),
        ((b'"offset"', b'"o"'), "is no decision event; see $.source"),
        ((b'"lines":[', b'"lines":["secret",'), "is no decision event; see $.lines[0]"),
        ((b"2025-01-01T", b"secret"), "is no decision event; see $.evaluated_at"),
        ((b":", b""), "is not JSON"),
    ],
)
def test_place_and_no_value_is_told_when_a_record_is_no_decision(
    change: tuple[bytes, bytes], where: str
) -> None:
    with pytest.raises(NotADecision) as refused:
        read_recorded(event().replace(*change, 1))
    assert str(refused.value) == where


def test_every_example_of_a_decision_can_be_read(repo) -> None:
    paths = [
        path
        for topic in ("approve", "deny", "pend")
        for path in (repo / f"schemas/examples/cg-trans-03.{topic}/v1/valid").iterdir()
    ]
    assert paths
    for path in paths:
        recorded: Recorded = read_recorded(path.read_bytes())
        assert recorded.lines
