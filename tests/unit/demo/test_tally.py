import pytest

from stream_app.demo.tally import standing
from stream_app.domain.decision import Outcome, Trigger
from stream_app.synthetic import Stream
from tests.unit.demo.worlds import event, perfect, received, small_acts

FIRST = event(decision_id="a")
SECOND = event(decision_id="b", supersedes="a", version=2)
THIRD = event(decision_id="c", supersedes="b", version=3)
BACK = event(decision_id="a", supersedes="b", trigger=Trigger.HISTORY_UPDATE)


@pytest.mark.parametrize(
    ("events", "last"),
    [
        pytest.param([FIRST], "a", id="one"),
        pytest.param([FIRST, FIRST], "a", id="a copy"),
        pytest.param([THIRD, FIRST, SECOND], "c", id="a chain in any order"),
        pytest.param([SECOND, SECOND, FIRST], "b", id="a chain with a copy"),
        pytest.param([FIRST, SECOND, BACK], "a", id="back to the first facts"),
        pytest.param([SECOND], None, id="the first is missing"),
        pytest.param([FIRST, THIRD], None, id="one between is missing"),
        pytest.param([FIRST, event(decision_id="b")], None, id="two firsts"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_the_last_decision_stands_when_each_names_the_one_before(events, last):
    found = standing([received(one) for one in events])

    assert (found and found.decision_id) == last


def test_counts_follow_the_standing_decisions_only():
    acts = small_acts()
    out = perfect(acts)
    claim = next(iter(out.decisions))
    old = out.decisions[claim][-1].event
    new = event(
        claim, "new", supersedes=old.decision_id, outcome=Outcome.DENY, reasons=("NEW",), version=2
    )
    before, events = out.by_outcome(), out.events

    out.decisions[claim].append(received(new))

    assert out.by_outcome().total() == before.total()
    assert out.by_reason()[Outcome.DENY, "NEW"] == 1
    assert out.events == events + 1


def test_dead_letters_are_counted_by_stream_and_reason():
    acts = small_acts()

    counts = perfect(acts).by_dead_letter()

    assert counts[Stream.HISTORY, "NOT_JSON"] > 0
    assert counts.total() == sum(
        one.scan_sees
        for malformed in (acts.truth.malformed_claims, acts.truth.malformed_history)
        for one in malformed.values()
    )
