"""What has been fetched and is being read: several fetches at a time, handed out in their order.

A fetch is taken from aiokafka as soon as it is there, whether or not the one before it has been
read. That keeps every core busy, and it keeps aiokafka asking: what lies untaken for a tenth of a
second makes it ask the broker for the other partitions only, and where those have nothing the
broker sits on that request for the whole `fetch_max_wait_ms`, and on all that come behind it.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faust.types import TP

from stream_app.worker.batch import Record
from stream_app.worker.ledger import Span

_MAX_BYTES = 16 * 1024 * 1024
"""Enough for some tenths of a second; as they came, compressed."""


class Reading(NamedTuple):
    """One fetch of one partition."""

    tp: TP
    span: Span
    size: int
    """Bytes as they came."""
    records: "asyncio.Future[Sequence[Record]]"


class ReadAhead:
    """The fetches of one generation that are being read. The consumer thread's alone."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque()
        self._readable: frozenset[TP] = frozenset()
        self._size = 0

    @property
    def room(self) -> int:
        """How many more bytes may be taken now; the last fetch may exceed it."""
        return _MAX_BYTES - self._size

    @property
    def first(self) -> "asyncio.Future[Sequence[Record]] | None":
        """What is handed out next, once it is done."""
        return self._readings[0].records if self._readings else None

    def belong_to(self, readable: frozenset[TP]) -> None:
        """Drop what an earlier generation took: the seek behind it has put positions right."""
        if readable is self._readable:
            return
        self._readable = readable
        self.drop()

    def drop(self) -> None:
        """Give up all that is being read: it will be read again."""
        for reading in self._readings:
            reading.records.cancel()
        self._readings.clear()
        self._size = 0

    def begin(self, reading: Reading) -> None:
        """Its turn to be handed out comes behind all that began before."""
        self._readings.append(reading)
        self._size += reading.size

    def ended(self) -> Iterator[tuple[Reading, Sequence[Record]]]:
        """Those that are through, up to the first that is not.

        Raises:
            Exception: what went wrong when it was read.
        """
        while self._readings and self._readings[0].records.done():
            reading = self._readings.popleft()
            self._size -= reading.size
            yield reading, reading.records.result()
