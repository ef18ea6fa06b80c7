"""The gate opens only for the seek of its own generation, whatever comes in between."""

import threading
from itertools import permutations

import pytest
from faust.types import TP

from stream_app.worker.gate import Gate

P0, P1 = TP("t", 0), TP("t", 1)
MINE = frozenset({P0, P1})


def test_nothing_is_readable_when_new() -> None:
    gate = Gate()
    assert gate.readable == frozenset()
    assert not gate.is_open


def test_partitions_are_readable_when_their_generation_sought_and_rebalance_ended() -> None:
    gate = Gate()
    gate.sought(7, MINE)
    assert gate.readable == frozenset(), "the rebalance is not over"
    assert gate.open(7)
    assert gate.readable == MINE


def test_gate_stays_closed_when_another_generation_sought() -> None:
    gate = Gate()
    gate.sought(6, MINE)
    assert not gate.open(7)
    assert not gate.is_open
    assert gate.readable == frozenset()


def test_gate_stays_closed_when_the_rebalance_ends_without_a_seek() -> None:
    gate = Gate()
    assert not gate.open(1)
    gate.sought(1, MINE)
    gate.close()
    assert not gate.open(1), "what was sought before the next rebalance no longer counts"


def test_an_idle_worker_is_open_when_it_has_no_partitions() -> None:
    gate = Gate()
    gate.sought(3, frozenset())
    assert gate.open(3)
    assert gate.is_open
    assert gate.readable == frozenset()


def test_snapshot_is_another_object_when_the_gate_moved() -> None:
    """Whoever waited compares by identity: closed and opened again is not the same."""
    gate = Gate()
    gate.sought(1, MINE)
    gate.open(1)
    before = gate.readable
    gate.close()
    gate.sought(2, frozenset(set(MINE)))
    gate.open(2)
    assert gate.readable == before
    assert gate.readable is not before


@pytest.mark.parametrize("order", list(permutations(["sought 1", "open 1", "close", "sought 2"])))
def test_only_the_current_generation_opens_it_when_calls_come_in_any_order(
    order: tuple[str, ...],
) -> None:
    """Model: open(g) succeeds if the last of sought and close was sought(g)."""
    gate, last, readable = Gate(), None, frozenset[TP]()
    for call in [*order, "open 2"]:
        word, _, number = call.partition(" ")
        if word == "close":
            gate.close()
            last, readable = None, frozenset()
        elif word == "sought":
            gate.sought(int(number), frozenset({TP("t", int(number))}))
            last = int(number)
        else:
            opened = gate.open(int(number))
            assert opened == (last == int(number)), order
            readable = frozenset({TP("t", int(number))}) if opened else readable
        assert gate.readable == readable, order


def test_readable_is_always_one_generation_when_threads_race() -> None:
    gate, stop, torn = Gate(), threading.Event(), []
    generations = {n: frozenset(TP("t", p) for p in range(n % 5 + 1)) for n in range(1, 2000)}
    allowed = {frozenset(), *generations.values()}

    def read() -> None:
        while not stop.is_set():
            if gate.readable not in allowed:
                torn.append(gate.readable)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number, partitions in generations.items():
        gate.sought(number, partitions)
        assert gate.open(number)
        gate.close()
    stop.set()
    for reader in readers:
        reader.join()
    assert not torn
