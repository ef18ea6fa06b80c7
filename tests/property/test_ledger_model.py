"""The ledger against a model that keeps one flag an offset."""

import threading

from faust.types import TP
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stream_app.worker.ledger import Ledger, OutOfStep, Span

TPS = [TP("t", 0), TP("t", 1)]


class LedgerMachine(RuleBasedStateMachine):
    """Reads, splits, finishes in any order; seeks, revocations and commits in between."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.first: dict[TP, int] = {}
        self.done: dict[TP, list[bool]] = {}
        self.committed: dict[TP, int | None] = {}
        self.open: list[tuple[TP, Span]] = []
        self.dead: list[Span] = []

    def _drop(self, tp: TP) -> None:
        self.dead += [span for owner, span in self.open if owner == tp]
        self.open = [(owner, span) for owner, span in self.open if owner != tp]

    @rule(tp=st.sampled_from(TPS), position=st.integers(0, 50), has_commit=st.booleans())
    def seek(self, tp: TP, position: int, has_commit: bool) -> None:
        committed = position if has_commit else None
        self.ledger.start(tp, position, committed)
        self._drop(tp)
        self.first[tp], self.done[tp], self.committed[tp] = position, [], committed

    @rule(tp=st.sampled_from(TPS))
    def revoke(self, tp: TP) -> None:
        self.ledger.forget([tp])
        self._drop(tp)
        for mine in (self.first, self.done, self.committed):
            mine.pop(tp, None)

    @precondition(lambda self: self.first)
    @rule(data=st.data(), length=st.integers(0, 9), size=st.integers(0, 100))
    def read(self, data: st.DataObject, length: int, size: int) -> None:
        tp = data.draw(st.sampled_from(sorted(self.first)))
        start = self.first[tp] + len(self.done[tp])
        span = self.ledger[tp].read(start, start + length, size)
        self.done[tp] += [False] * length
        self.open.append((tp, span))

    @precondition(lambda self: self.first)
    @rule(data=st.data(), off=st.integers(1, 5), ahead=st.booleans())
    def read_out_of_step(self, data: st.DataObject, off: int, ahead: bool) -> None:
        tp = data.draw(st.sampled_from(sorted(self.first)))
        at = self.first[tp] + len(self.done[tp]) + (off if ahead else -off)
        try:
            self.ledger[tp].read(at, at + 3, 10)
        except OutOfStep:
            return
        raise AssertionError("entered a range out of step")

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        tp, span = data.draw(st.sampled_from(self.open))
        inner = data.draw(st.sets(st.integers(span.start, span.stop), max_size=3))
        parts = span.split([*sorted(inner - {span.stop}), span.stop])
        assert parts[0].start == span.start
        assert [part.stop for part in parts[:-1]] == [part.start for part in parts[1:]]
        self.open.remove((tp, span))
        self.open += [(tp, part) for part in parts]

    @precondition(lambda self: self.open)
    @rule(data=st.data(), size=st.integers(0, 100))
    def resize(self, data: st.DataObject, size: int) -> None:
        data.draw(st.sampled_from(self.open))[1].resize(size)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        tp, span = data.draw(st.sampled_from(self.open))
        span.finish()
        self.open.remove((tp, span))
        for offset in range(span.start, span.stop):
            self.done[tp][offset - self.first[tp]] = True

    @precondition(lambda self: self.dead)
    @rule(data=st.data())
    def finish_too_late(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.dead)).finish()

    @rule(refused=st.booleans())
    def commit(self, refused: bool) -> None:
        marks = self.ledger.marks()
        if not refused:
            self.ledger.book(marks)
            self.committed |= marks

    def _mark(self, tp: TP) -> int:
        """The longest prefix that is done, up to the first open range, empty ones included."""
        flags = self.done[tp]
        prefix = flags.index(False) if False in flags else len(flags)
        empty = [s.start for owner, s in self.open if owner == tp and s.start == s.stop]
        return min([self.first[tp] + prefix, *empty])

    @invariant()
    def mark_is_the_longest_prefix_that_is_done(self) -> None:
        for tp in self.first:
            assert self.ledger[tp].mark == self._mark(tp)
        assert set(self.ledger.positions()) == set(self.first)

    @invariant()
    def marks_are_what_the_broker_was_not_told(self) -> None:
        expected = {tp: self._mark(tp) for tp in self.first}
        assert self.ledger.marks() == {
            tp: mark for tp, mark in expected.items() if mark != (self.committed[tp] or 0)
        }

    @invariant()
    def bytes_in_flight_are_those_of_open_ranges(self) -> None:
        assert self.ledger.in_flight == sum(span.size for _, span in self.open)

    @invariant()
    def ranges_are_alive_until_the_next_seek(self) -> None:
        assert all(span.alive for _, span in self.open)
        assert not any(span.alive for span in self.dead)


TestLedgerMachine = LedgerMachine.TestCase


def test_mark_never_passes_an_open_range_when_threads_read_and_finish() -> None:
    """The consumer thread enters and splits while Faust's thread finishes and asks."""
    ledger, tp = Ledger(), TPS[0]
    ledger.start(tp, 0, None)
    handed: list[Span] = []
    ready, wrong = threading.Semaphore(0), []
    rounds = 3000

    def consume() -> None:
        for number in range(rounds):
            span = ledger[tp].read(number * 10, number * 10 + 10, 5)
            handed.extend(span.split([number * 10 + 4, number * 10 + 10]))
            ready.release(2)

    thread = threading.Thread(target=consume)
    thread.start()
    for number in range(2 * rounds):
        ready.acquire()
        span = handed[number]
        if ledger[tp].mark > span.start:
            wrong.append(span.start)
        span.finish()
    thread.join()
    assert not wrong
    assert ledger[tp].mark == rounds * 10
    assert ledger.in_flight == 0
