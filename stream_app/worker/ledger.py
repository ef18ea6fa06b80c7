"""The ledger: which ranges of offsets have been read, and which of them are done.

Committed is the low-water mark of what is done, never the consumer's position. A range is
half-open and made of fetch positions, not of records: a batch that was skipped whole, a control
batch or a compacted gap moves the position without leaving a record, and must not hold the mark
back.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from faust.types import TP


class OutOfStep(Exception):
    """A range does not start where the one before it ended."""


class Span:
    """One range of offsets read from one partition, `[start, stop)`."""

    __slots__ = ("_partition", "done", "size", "start", "stop")

    def __init__(self, partition: "PartitionLedger", start: int, stop: int, size: int) -> None:
        self._partition = partition
        self.start = start
        self.stop = stop
        self.size = size
        self.done = False

    @property
    def alive(self) -> bool:
        """Whether the partition is still ours, and stands where it stood when this was read."""
        return self._partition.alive

    def resize(self, size: int) -> None:
        """What is held of this range is now `size` bytes."""
        self._partition.resize(self, size)

    def split(self, stops: Sequence[int]) -> list["Span"]:
        """This range in several, so that each can be done by itself; this one is no more."""
        return self._partition.split(self, stops)

    def finish(self) -> None:
        """Everything this range caused is acknowledged by the broker."""
        self._partition.finish(self)


class JoinedSpan(Span):
    """Ranges of one partition, one behind the other, that are worked on as one."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[Span]) -> None:
        first, last = parts[0], parts[-1]
        super().__init__(first._partition, first.start, last.stop, sum(part.size for part in parts))
        self._parts = parts

    @property
    def alive(self) -> bool:
        return all(part.alive for part in self._parts)

    def finish(self) -> None:
        for part in self._parts:
            part.finish()


class PartitionLedger:
    """One partition between one seek and the next."""

    def __init__(self, position: int, committed: int | None = None) -> None:
        self.alive = True
        self.next = position
        """Where the next range must start."""
        self.committed = committed
        """What the broker was last told, or None."""
        self.in_flight = 0
        """Bytes of records handed out and not yet done."""
        self._mark = position
        self._spans: deque[Span] = deque()
        self._lock = Lock()

    def read(self, start: int, stop: int, size: int = 0) -> Span:
        """Enter a range that was just read.

        Raises:
            OutOfStep: it does not start where the last one ended; the range is not entered.
        """
        if start != self.next or stop < start:
            raise OutOfStep(f"read [{start}, {stop}) where {self.next} was next")
        span = Span(self, start, stop, size)
        with self._lock:
            self.next = stop
            self.in_flight += size
            self._spans.append(span)
        return span

    def resize(self, span: Span, size: int) -> None:
        with self._lock:
            if not span.done:
                self.in_flight += size - span.size
                span.size = size

    def split(self, span: Span, stops: Sequence[int]) -> list[Span]:
        """Make several ranges of one, ending at `stops` (ascending, the last is its own stop)."""
        with self._lock:
            at = self._spans.index(span)
            del self._spans[at]
            parts = []
            start = span.start
            for stop in stops:
                parts.append(Span(self, start, stop, 0))
                start = stop
            for part in reversed(parts):
                self._spans.insert(at, part)
            self.in_flight -= span.size
        return parts

    def finish(self, span: Span) -> None:
        with self._lock:
            if not span.done:
                span.done = True
                self.in_flight -= span.size

    @property
    def mark(self) -> int:
        """Everything below this offset is done."""
        spans = self._spans
        with self._lock:
            while spans and spans[0].done:
                self._mark = spans.popleft().stop
            return self._mark


class Ledger:
    """All partitions of the current generation.

    Written by the consumer thread (`start`, `read` of a partition), by Faust's main thread
    (`finish` of a span, `book`, `forget`); a completion from an earlier generation reaches only a
    partition ledger that nobody asks any more.
    """

    def __init__(self) -> None:
        self._partitions: dict[TP, PartitionLedger] = {}

    def start(self, tp: TP, position: int, committed: int | None) -> None:
        """A seek puts `tp` at `position`: whatever was read of it before no longer counts."""
        before = self._partitions.get(tp)
        if before is not None:
            before.alive = False
        self._partitions[tp] = PartitionLedger(position, committed)

    def __getitem__(self, tp: TP) -> PartitionLedger:
        return self._partitions[tp]

    def get(self, tp: TP) -> PartitionLedger | None:
        return self._partitions.get(tp)

    def marks(self) -> dict[TP, int]:
        """What is to be committed now: the marks that the broker has not been told."""
        marks = {tp: (p.mark, p.committed) for tp, p in list(self._partitions.items())}
        return {tp: mark for tp, (mark, committed) in marks.items() if mark != (committed or 0)}

    def book(self, offsets: Mapping[TP, int]) -> None:
        """The broker has acknowledged these commits."""
        for tp, offset in offsets.items():
            partition = self._partitions.get(tp)
            if partition is not None:
                partition.committed = offset

    def forget(self, partitions: Iterable[TP]) -> None:
        """These partitions are no longer ours."""
        for tp in partitions:
            partition = self._partitions.pop(tp, None)
            if partition is not None:
                partition.alive = False

    def clear(self) -> None:
        """No partition is ours."""
        self.forget(list(self._partitions))

    @property
    def in_flight(self) -> int:
        """Bytes of records handed out and not yet done, over all partitions."""
        return sum(p.in_flight for p in list(self._partitions.values()))

    def positions(self) -> dict[TP, tuple[int, int]]:
        """Per partition: (next offset to read, low-water mark). For metrics."""
        return {tp: (p.next, p.mark) for tp, p in list(self._partitions.items())}
