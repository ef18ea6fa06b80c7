"""A census of the tables: rows, bytes and pended claims, counted in the background.

Counting while rows are written would cost every batch something, miss what Faust drops or recovers
by itself, and know nothing after a restart on RocksDB. So a walk goes over all rows again and
again, a few milliseconds of every second, and its result is what the metrics show until the next
one is through. Only the partitions that this worker owns count: standby copies are others'.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from stream_app import metrics
from stream_app.pipeline.remember import pended
from stream_app.worker.table_rows import Row, chunks
from stream_app.worker.tables import MemberTable

WORK_SECONDS = 0.001
"""How long one piece of work may take; ten of them a second make one hundredth of a core."""
WORK_INTERVAL_SECONDS = 0.1
_REST_SECONDS = 5.0
"""From the end of one walk to the beginning of the next."""


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    size: int = 0
    pended: int = 0
    since_minute: int | None = None

    def add(self, rows: Sequence[Row], *, shadow: bool | None) -> None:
        for _, key, value in rows:
            self.rows += 1
            self.size += len(key) + len(value)
            if shadow is not None:
                self._add_pends(value, shadow=shadow)

    def _add_pends(self, value: bytes, *, shadow: bool) -> None:
        try:
            found = pended(value, shadow=shadow)
        except msgspec.DecodeError:
            return  # whoever reads the row to decide by it will not be as lenient
        if found.claims:
            self.pended += found.claims
            known = self.since_minute
            self.since_minute = min(found.since_minute, known or found.since_minute)


class Census:
    """Counts the rows of one worker's tables.

    Args:
        history: the table of the members' histories.
        claims: the table of the claims that are remembered.
        owned: the partitions that are this worker's now; None while it may not read.
        shadow: whether the decisions in force are those of the shadow topic.
        now: seconds since the epoch.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        history: MemberTable,
        claims: MemberTable,
        owned: Callable[[], frozenset[int] | None],
        *,
        shadow: bool,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._tables: tuple[tuple[MemberTable, bool | None], ...] = (
            (history, None),
            (claims, shadow),
        )
        self._owned, self._now, self._clock = owned, now, clock
        self._of: frozenset[int] | None = None
        self._walk: Iterator[dict[str, _Tally] | None] | None = None
        self._rest_until = float("-inf")
        self._since_minute: int | None = None
        metrics.PENDED.set(float("nan"))
        metrics.OLDEST_PEND.set(float("nan"))

    def work(self) -> None:
        """Do a piece of the count."""
        owned = self._owned()
        if owned != self._of:
            # What was counted so far is of other partitions.
            self._of, self._walk, self._rest_until = owned, None, float("-inf")
        begun = self._clock()
        if self._walk is None:
            if begun < self._rest_until or owned is None:
                return
            self._walk = self._count(owned)
        for counted in self._walk:
            if counted is not None:
                self._tell(counted)
                self._walk, self._rest_until = None, self._clock() + _REST_SECONDS
                return
            if self._clock() - begun >= WORK_SECONDS:
                return

    def age(self) -> None:
        """Let the oldest pend grow older between two counts."""
        if self._since_minute is not None:
            metrics.OLDEST_PEND.set(max(0.0, self._now() - self._since_minute * 60))

    def _count(self, owned: frozenset[int]) -> Iterator[dict[str, _Tally] | None]:
        """Walk over all rows, giving way after every few; the last word is the result."""
        tallies = {table.name: _Tally() for table, _ in self._tables}
        for table, shadow in self._tables:
            for rows in chunks(table, owned):
                tallies[table.name].add(rows, shadow=shadow)
                yield None
        yield tallies

    def _tell(self, tallies: dict[str, _Tally]) -> None:
        for table, shadow in self._tables:
            tally = tallies[table.name]
            metrics.TABLE_ROWS.labels(table.name).set(tally.rows)
            metrics.TABLE_BYTES.labels(table.name).set(tally.size)
            if shadow is not None:
                metrics.PENDED.set(tally.pended)
                metrics.OLDEST_PEND.set(0)
                self._since_minute = tally.since_minute
                self.age()
