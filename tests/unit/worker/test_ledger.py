"""The mark never passes work that is not done, and earlier seeks never count."""

import pytest
from faust.types import TP

from stream_app.worker.ledger import JoinedSpan, Ledger, OutOfStep, PartitionLedger

P0, P1 = TP("t", 0), TP("t", 1)


def test_mark_waits_when_the_first_range_is_not_done() -> None:
    ledger = PartitionLedger(10)
    first, second = ledger.read(10, 20), ledger.read(20, 35)
    second.finish()
    assert ledger.mark == 10
    first.finish()
    assert ledger.mark == 35


def test_mark_moves_over_offsets_without_records_when_ranges_are_positions() -> None:
    """Control batches, compacted gaps and skipped batches leave no record."""
    ledger = PartitionLedger(0)
    ledger.read(0, 1000).finish()
    ledger.read(1000, 1000).finish()
    assert ledger.mark == 1000


@pytest.mark.parametrize(("start", "stop"), [(9, 12), (11, 12), (10, 9)])
def test_range_is_refused_when_it_does_not_start_where_the_last_one_ended(
    start: int, stop: int
) -> None:
    ledger = PartitionLedger(10)
    with pytest.raises(OutOfStep):
        ledger.read(start, stop, 5)
    assert (ledger.next, ledger.mark, ledger.in_flight) == (10, 10, 0)
    ledger.read(10, 12)


def test_bytes_in_flight_are_exact_when_ranges_are_read_resized_split_and_done_twice() -> None:
    ledger = PartitionLedger(0)
    first, second = ledger.read(0, 10, 100), ledger.read(10, 20, 50)
    first.resize(30)
    assert ledger.in_flight == 80
    parts = second.split([15, 20])
    assert ledger.in_flight == 30
    for part in parts:
        part.resize(7)
    assert ledger.in_flight == 44
    first.finish()
    first.finish()
    first.resize(1000)
    assert ledger.in_flight == 14
    for part in parts:
        part.finish()
    assert ledger.in_flight == 0
    assert ledger.mark == 20


def test_mark_stops_at_the_part_that_is_not_done_when_a_range_is_split() -> None:
    ledger = PartitionLedger(0)
    before, whole, after = ledger.read(0, 5), ledger.read(5, 30), ledger.read(30, 40)
    left, middle, right = whole.split([10, 20, 30])
    for span in (before, left, right, after):
        span.finish()
    assert ledger.mark == 10
    middle.finish()
    assert ledger.mark == 40


def test_work_of_an_earlier_seek_does_not_count_when_it_is_done_late() -> None:
    ledger = Ledger()
    ledger.start(P0, 0, None)
    late = ledger[P0].read(0, 100, 10)
    ledger.start(P0, 0, None)
    assert not late.alive
    late.finish()
    assert ledger.marks() == {}
    assert ledger[P0].mark == 0


def test_nothing_is_to_be_committed_when_partitions_were_forgotten() -> None:
    ledger = Ledger()
    for tp in (P0, P1):
        ledger.start(tp, 5, 5)
    mine, theirs = ledger[P0].read(5, 9, 1), ledger[P1].read(5, 9, 1)
    ledger.forget({P1, TP("unknown", 3)})
    mine.finish()
    theirs.finish()
    assert (mine.alive, theirs.alive) == (True, False)
    assert ledger.marks() == {P0: 9}
    ledger.book({P0: 9, P1: 9})
    assert ledger.marks() == {}
    assert ledger.get(P1) is None


def test_mark_is_offered_again_when_the_broker_refused_it() -> None:
    ledger = Ledger()
    ledger.start(P0, 0, None)
    ledger[P0].read(0, 3).finish()
    assert ledger.marks() == {P0: 3}
    assert ledger.marks() == {P0: 3}, "not booked, so still to be told"


def test_no_commit_is_due_when_nothing_was_read() -> None:
    ledger = Ledger()
    ledger.start(P0, 0, None)
    ledger.start(P1, 40, 40)
    assert ledger.marks() == {}


def test_first_offset_is_to_be_committed_when_the_group_had_none_and_retention_took_some() -> None:
    ledger = Ledger()
    ledger.start(P0, 40, None)
    assert ledger.marks() == {P0: 40}


def test_bytes_in_flight_are_those_of_all_partitions_when_asked_for() -> None:
    ledger = Ledger()
    ledger.start(P0, 0, None)
    ledger.start(P1, 0, None)
    span = ledger[P0].read(0, 1, 10)
    ledger[P1].read(0, 1, 20)
    assert ledger.in_flight == 30
    assert ledger.positions() == {P0: (1, 0), P1: (1, 0)}
    span.finish()
    assert ledger.in_flight == 20
    ledger.forget({P1})
    assert ledger.in_flight == 0


def test_joined_ranges_are_one_to_whoever_works_on_them():
    partition = PartitionLedger(0)
    parts = [partition.read(0, 4, size=3), partition.read(4, 9, size=5)]
    joined = JoinedSpan(parts)
    assert (joined.start, joined.stop, joined.alive, partition.mark) == (0, 9, True, 0)
    joined.finish()
    assert (partition.mark, partition.in_flight) == (9, 0)
    partition.alive = False
    assert not joined.alive
