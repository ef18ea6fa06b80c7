"""The check must hold of a faultless run, and each finding must break when its fault is planted."""

import pytest
from msgspec.structs import replace

from stream_app.demo.check import check, late_outcomes
from stream_app.demo.tally import Received
from stream_app.domain.decision import Outcome
from stream_app.synthetic import Stream
from tests.unit.demo.worlds import event, perfect, received, small_acts

ACTS = small_acts()


def broken(tally):
    return [finding.what for finding in check(ACTS, tally) if not finding.holds]


def known_claim():
    """A claim whose outcome is foretold: its history was known."""
    truth = ACTS.truth
    return next(
        claim
        for claim in sorted(truth.decided - ACTS.late_claims)
        if truth.standing[claim].outcome is not None
    )


def malformed(stream, *, seen=True):
    expected = {
        Stream.CLAIMS: ACTS.truth.malformed_claims,
        Stream.HISTORY: ACTS.truth.malformed_history,
    }
    return next(key for key, one in expected[stream].items() if one.scan_sees is seen)


def test_all_holds_when_nothing_went_wrong():
    assert broken(perfect(ACTS)) == []


def lose_a_decision(tally):
    del tally.decisions[late_claim()]


def late_claim():
    truth = ACTS.truth
    return next(
        claim
        for claim in sorted(truth.decided & ACTS.late_claims)
        if truth.standing[claim].outcome not in {None, Outcome.PEND}
    )


def forget_late_history(tally):
    decisions = tally.decisions[late_claim()]
    del decisions[1:]


def lose_a_known_decision(tally):
    del tally.decisions[known_claim()]


def lose_a_dead_claim(tally):
    del tally.dead_letters[Stream.CLAIMS, malformed(Stream.CLAIMS)]


def lose_a_dead_history(tally):
    del tally.dead_letters[Stream.HISTORY, malformed(Stream.HISTORY)]


def file_under_another_reason(tally):
    tally.dead_letters[Stream.CLAIMS, malformed(Stream.CLAIMS)] = ["TOO_LARGE"]


def file_under_two_reasons(tally):
    tally.dead_letters[Stream.HISTORY, malformed(Stream.HISTORY)].append("TOO_LARGE")


def file_a_good_history(tally):
    tally.dead_letters[Stream.HISTORY, b"good"] = ["NOT_JSON"]


def file_what_the_scan_passes_over(tally):
    tally.dead_letters[Stream.CLAIMS, malformed(Stream.CLAIMS, seen=False)] = ["NOT_JSON"]


def decide_a_claim_nobody_fed(tally):
    tally.decisions["nobody"] = [received(event("nobody"))]


def decide_a_void_claim(tally):
    claim = next(iter(ACTS.truth.standing.keys() - ACTS.truth.decided))
    tally.decisions[claim] = [received(event(claim))]


def decide_twice_under_different_ids(tally):
    claim = known_claim()
    first = tally.decisions[claim][0].event
    tally.decisions[claim].append(
        received(replace(first, decision_id="other", supersedes=first.decision_id))
    )


def supersede_nothing_known(tally):
    claim = known_claim()
    first = tally.decisions[claim][0].event
    tally.decisions[claim] = [received(replace(first, supersedes="unheard of"))]


def lie_on_another_topic(tally):
    claim = known_claim()
    one = tally.decisions[claim][0]
    other = Outcome.DENY if one.topic_of is not Outcome.DENY else Outcome.PEND
    tally.decisions[claim] = [Received(one.event, one.key, other)]


def lie_under_another_key(tally):
    claim = known_claim()
    one = tally.decisions[claim][0]
    tally.decisions[claim] = [Received(one.event, b"member", one.topic_of)]


def decide_otherwise(tally):
    claim = known_claim()
    outcome = ACTS.truth.standing[claim].outcome
    other = Outcome.DENY if outcome is not Outcome.DENY else Outcome.PEND
    tally.decisions[claim] = [received(event(claim, outcome=other))]


def give_another_reason(tally):
    claim = known_claim()
    first = tally.decisions[claim][0].event
    tally.decisions[claim] = [received(event(claim, outcome=first.decision, reasons=("OTHER",)))]


LOST, MADE_UP = "nothing lost", "nothing made up"
CLAIMS, HISTORIES = "bad claims filed by their reason", "bad histories filed by their reason"
IDS, PLACE = "copies share an id, chains are whole", "on the outcome's topic, by claim"
FORETOLD, LATE = "outcome and reasons as foretold", "late history made good"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lose_a_decision, {LOST, LATE}),
        (forget_late_history, {LATE}),
        (lose_a_known_decision, {LOST, FORETOLD}),
        (lose_a_dead_claim, {LOST, CLAIMS}),
        (lose_a_dead_history, {HISTORIES}),
        (file_under_another_reason, {CLAIMS}),
        (file_under_two_reasons, {HISTORIES}),
        (file_a_good_history, {HISTORIES}),
        (file_what_the_scan_passes_over, {MADE_UP, CLAIMS}),
        (decide_a_claim_nobody_fed, {MADE_UP}),
        (decide_a_void_claim, {MADE_UP}),
        (decide_twice_under_different_ids, {IDS}),
        (supersede_nothing_known, {IDS, FORETOLD}),
        (lie_on_another_topic, {PLACE}),
        (lie_under_another_key, {PLACE}),
        (decide_otherwise, {FORETOLD}),
        (give_another_reason, {FORETOLD}),
    ],
)
def test_the_finding_breaks_when_its_fault_is_planted(spoil, expected):
    tally = perfect(ACTS)
    spoil(tally)

    assert set(broken(tally)) == expected


def test_a_copy_breaks_nothing_when_it_bears_the_same_id():
    tally = perfect(ACTS)
    for each in tally.decisions.values():
        each.append(each[0])

    assert broken(tally) == []


def test_findings_name_no_id_when_they_break():
    tally = perfect(ACTS)
    for spoil in (lose_a_decision, lose_a_dead_claim, decide_otherwise):
        spoil(tally)

    assert not any("SYN" in finding.found for finding in check(ACTS, tally))


def test_late_claims_are_counted_when_history_decided_them_again():
    tally = perfect(ACTS)
    claims, again = late_outcomes(ACTS, tally)
    assert again == claims > 0
    forget_late_history(tally)

    assert late_outcomes(ACTS, tally) == (claims, claims - 1)
