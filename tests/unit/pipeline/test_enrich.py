"""The row of a member's transplants."""

import itertools
from datetime import date
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.domain.claim import Claim
from stream_app.domain.history import HistoryEvent, Transplant, TransplantType
from stream_app.domain.instant import Instant
from stream_app.pipeline.enrich import Change, MemberHistory, standing_key

ALLOGENEIC = Transplant("TX", type=TransplantType.ALLOGENEIC, transplant_date=date(2023, 5, 20))
AUTOLOGOUS = Transplant("TX", type=TransplantType.AUTOLOGOUS)


def event(
    minute: int, transplant: Transplant | None, event_id: str = "e", transplant_id: str = "TX"
) -> HistoryEvent:
    return HistoryEvent(event_id, Instant(minute, 0), "MBR", transplant_id, transplant)


def row(*events: HistoryEvent) -> MemberHistory:
    history = MemberHistory()
    for each in events:
        history.apply(each)
    return history


def test_later_event_wins_whatever_the_order() -> None:
    events = [event(1, ALLOGENEIC), event(2, None), event(3, AUTOLOGOUS)]
    for order in itertools.permutations(events):
        assert row(*order).on_file() == (AUTOLOGOUS,)


def test_retraction_keeps_an_older_upsert_out() -> None:
    history = row(event(2, None))
    assert history.apply(event(1, ALLOGENEIC)) is Change.NOTHING
    assert MemberHistory.from_bytes(history.to_bytes()).apply(event(1, ALLOGENEIC)) == 0
    assert history.on_file() == ()
    assert history.apply(event(3, ALLOGENEIC)) is Change.ON_FILE


def test_larger_event_id_wins_when_instants_are_equal() -> None:
    for order in itertools.permutations([event(1, ALLOGENEIC, "a"), event(1, AUTOLOGOUS, "b")]):
        assert row(*order).on_file() == (AUTOLOGOUS,)


def test_redelivery_changes_nothing_even_when_its_content_differs() -> None:
    history = row(event(1, ALLOGENEIC))
    assert history.apply(event(1, AUTOLOGOUS)) is Change.NOTHING
    assert history.on_file() == (ALLOGENEIC,)


def test_upsert_replaces_the_whole_record() -> None:
    less = Transplant("TX", indication="C92.10")
    assert row(event(1, ALLOGENEIC), event(2, less)).on_file() == (less,)


def test_change_is_only_remembered_when_what_is_on_file_stays() -> None:
    history = MemberHistory()
    assert history.apply(event(1, None)) is Change.REMEMBERED
    assert history.apply(event(2, ALLOGENEIC)) is Change.ON_FILE
    assert history.apply(event(3, ALLOGENEIC)) is Change.REMEMBERED
    assert history.apply(event(4, None)) is Change.ON_FILE


def test_every_event_id_is_remembered_for_an_erasure_even_of_events_that_came_too_late() -> None:
    history = row(event(2, None, "late"))
    assert history.apply(event(1, ALLOGENEIC, "early")) is Change.REMEMBERED
    assert history.apply(event(1, ALLOGENEIC, "early")) is Change.NOTHING
    history.apply(event(1, ALLOGENEIC, "other", transplant_id="T2"))
    assert MemberHistory.from_bytes(history.to_bytes()).event_ids() == (
        ("T2", "other"),
        ("TX", "early"),
        ("TX", "late"),
    )


def test_transplants_are_in_code_point_order_of_their_ids() -> None:
    ids = ["b", "a", "B", "é", "\U0001f600", "\uffff", "aa"]
    history = row(*(event(1, Transplant(each), transplant_id=each) for each in ids))
    assert [each.transplant_id for each in history.on_file()] == sorted(ids)


events = st.lists(
    st.builds(
        event,
        st.integers(0, 3),
        st.sampled_from([None, ALLOGENEIC, AUTOLOGOUS]),
        st.sampled_from("ab"),
        st.sampled_from("xy"),
    ),
    # The same (instant, event_id) never names two different things: that is what an id is.
    unique_by=lambda each: (each.occurred_at, each.event_id, each.transplant_id),
    max_size=12,
)


@given(events, st.randoms(use_true_random=False))
def test_row_is_the_same_bytes_whatever_the_order_and_repetition(
    sent: list[HistoryEvent], random: Random
) -> None:
    shuffled = sent + sent[::2]
    random.shuffle(shuffled)
    assert row(*shuffled).to_bytes() == row(*sent).to_bytes()


@given(events)
def test_row_reads_back(sent: list[HistoryEvent]) -> None:
    history = row(*sent)
    again = MemberHistory.from_bytes(history.to_bytes())
    assert again.on_file() == history.on_file()
    assert again.to_bytes() == history.to_bytes()


def test_row_of_the_first_layout_can_be_read_for_ever() -> None:
    """Rows live in changelogs for years: a new layout takes a new tag and reads this one, too."""
    stored = (
        b"\x92\x01\x82\xa2T2\x94\x93\x02\x00\xa0\xa1e\xc0\x91\xa1e\xa2TX\x94\x93\x01\x00\xa0\xa1e\x88"
        b"\xadtransplant_id\xa2TX\xa4type\xaaallogeneic\xa6status\xc0\xacconditioning\xc0"
        b"\xaftransplant_date\xaa2023-05-20\xaaindication\xc0\xb3medically_necessary\xc0"
        b"\xa8donor_id\xc0\x91\xa1e"
    )
    history = MemberHistory.from_bytes(stored)
    assert history.on_file() == (ALLOGENEIC,)
    assert history.apply(event(1, ALLOGENEIC, transplant_id="T2")) is Change.NOTHING


def test_row_is_refused_when_it_is_of_an_unknown_layout() -> None:
    with pytest.raises(msgspec.ValidationError):
        MemberHistory.from_bytes(msgspec.msgpack.encode([2, {}]))


def test_greatest_version_then_instant_then_event_id_stands() -> None:
    def key(version: int, minute: int, event_id: str) -> tuple[int, Instant, str]:
        return standing_key(Claim(event_id, Instant(minute, 0), "C", "M", (), version))

    assert key(2, 1, "a") > key(1, 9, "z")
    assert key(1, 2, "a") > key(1, 1, "z")
    assert key(1, 1, "b") > key(1, 1, "a")
