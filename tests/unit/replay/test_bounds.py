"""Times and offsets as people write them."""

import pytest

from stream_app.replay.bounds import Bounds, Offset, Offsets, Time, parse_bound, parse_time


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("1970-01-02", Time(86_400_000)),
        ("1970-01-01T00:00:01.5Z", Time(1_500)),
        ("1970-01-01T01:00:00+01:00", Time(0)),
        ("1500", Offset(1500)),
        ("0:15", Offsets({0: 15})),
        ("0:15,11:3", Offsets({0: 15, 11: 3})),
    ],
)
def test_bound_is_read_when_written_in_one_of_its_forms(text, bound):
    assert parse_bound(text) == bound


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2025-13-01", "2025-01-01T00:00", "-1", "0:", "0:1,", "1.5", " 1"]
)
def test_bound_is_refused_when_it_is_none_of_these(text):
    assert parse_bound(text) is None


def test_time_is_no_offset_when_only_times_will_do():
    assert parse_time("1500") is None


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        (Bounds(Time(10), Time(20)), [(0, 0, 10), (0, 0, 19)], [(0, 0, 9), (0, 0, 20)]),
        (Bounds(Offset(10), Offset(20)), [(0, 10, 0), (5, 19, 0)], [(0, 9, 0), (5, 20, 0)]),
        (Bounds(Offsets({1: 10})), [(1, 10, 0), (2, 0, 0)], [(1, 9, 0)]),
        (Bounds(None, Offsets({1: 10})), [(1, 9, 0), (2, 99, 0)], [(1, 10, 0)]),
        (Bounds(), [(0, 0, -1)], []),
    ],
)
def test_record_lies_within_from_the_start_up_to_but_without_the_end(bounds, inside, outside):
    assert all(bounds.hold(*record) for record in inside)
    assert not any(bounds.hold(*record) for record in outside)
