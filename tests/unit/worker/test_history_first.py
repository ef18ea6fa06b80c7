"""Claims are held back until the history that was there before them is on file."""

from faust.types import TP

from stream_app.worker.history_first import HistoryFirst
from stream_app.worker.ledger import Ledger

CLAIMS, HISTORY = "in-scope", "history"


def sought(*partitions: tuple[int, int, int]) -> tuple[HistoryFirst, Ledger]:
    """After a seek of histories: (partition, position, end) of each."""
    first, ledger = HistoryFirst(CLAIMS, HISTORY), Ledger()
    positions = {TP(HISTORY, number): position for number, position, _ in partitions}
    for tp, position in positions.items():
        ledger.start(tp, position, None)
    first.sought(positions, {TP(HISTORY, number): end for number, _, end in partitions})
    return first, ledger


def test_claims_are_held_when_their_history_is_not_all_read() -> None:
    first, ledger = sought((0, 3, 10), (1, 10, 10))
    assert first.held(ledger) == {TP(CLAIMS, 0)}


def test_claims_are_held_when_history_is_read_and_not_yet_done() -> None:
    first, ledger = sought((0, 0, 10))
    span = ledger[TP(HISTORY, 0)].read(0, 10)
    assert first.held(ledger) == {TP(CLAIMS, 0)}
    span.finish()
    assert first.held(ledger) == set()


def test_claims_are_let_go_when_history_has_gone_beyond_its_end() -> None:
    first, ledger = sought((0, 0, 10), (1, 0, 10))
    ledger[TP(HISTORY, 0)].read(0, 12).finish()
    ledger[TP(HISTORY, 1)].read(0, 9).finish()
    assert first.held(ledger) == {TP(CLAIMS, 1)}


def test_claims_stay_free_when_more_history_comes_in() -> None:
    first, ledger = sought((0, 0, 10))
    partition = ledger[TP(HISTORY, 0)]
    partition.read(0, 10).finish()
    assert not first.held(ledger)
    partition.read(10, 20)
    assert not first.held(ledger)


def test_claims_are_held_anew_when_partitions_are_sought_again() -> None:
    first, ledger = sought((0, 0, 10))
    ledger[TP(HISTORY, 0)].read(0, 10).finish()
    assert not first.held(ledger)
    ledger.start(TP(HISTORY, 0), 4, None)
    first.sought({TP(HISTORY, 0): 4}, {TP(HISTORY, 0): 15})
    assert first.held(ledger) == {TP(CLAIMS, 0)}


def test_claims_stay_held_when_their_partition_is_nobodys() -> None:
    first, ledger = sought((0, 0, 10))
    ledger.clear()
    assert first.held(ledger) == {TP(CLAIMS, 0)}


def test_only_history_is_waited_for_when_partitions_are_assigned() -> None:
    first, _ = sought()
    partitions = [TP(CLAIMS, 0), TP(HISTORY, 0), TP(HISTORY, 1)]
    assert first.histories(partitions) == partitions[1:]
