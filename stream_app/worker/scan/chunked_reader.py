"""Receives a fetch response of many megabytes without copying it twice.

asyncio's StreamReader appends whatever comes to one growing bytearray and copies the frame out of
it when it is whole, which costs a fetch as much CPU as searching it: fresh memory is touched twice,
page by page. This one keeps the pieces as they came and joins them once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Self, SupportsIndex


class ChunkedReader(asyncio.StreamReader):
    """A StreamReader that is only ever asked for an exact number of bytes, as aiokafka does.

    Overrides `feed_data`, `readexactly` and `at_eof`; leans on `_buffer`, `_eof`, `_exception`,
    `_limit`, `_paused`, `_transport`, `_wait_for_data` and `_wakeup_waiter` of the base
    (guarded by `tests/contract/test_aiokafka_internals_scan.py`).
    """

    _chunks: deque[bytes]
    _size: int
    """Bytes in the chunks."""
    _wanted: int
    """Bytes that `readexactly` waits for, or 0."""
    _took_over: bool

    # What the base has, for the type checker; typeshed keeps it private.
    _buffer: bytearray
    _eof: bool
    _exception: BaseException | None
    _limit: int
    _paused: bool
    _transport: asyncio.ReadTransport | None
    _wait_for_data: Callable[[str], Awaitable[None]]
    _wakeup_waiter: Callable[[], None]

    @classmethod
    def adopt(cls, reader: asyncio.StreamReader) -> Self | None:
        """Turn a reader that is in use into one of these; None if it is another kind already.

        A call that waits in the base's `readexactly` ends as it began; the next one takes over.
        """
        if type(reader) is not asyncio.StreamReader:
            return None
        reader.__class__ = cls
        assert isinstance(reader, cls)
        reader._chunks = deque()
        reader._size = reader._wanted = 0
        reader._took_over = False
        return reader

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Keep a piece; wake the reader only when what it waits for is whole."""
        if not self._took_over:
            super().feed_data(data)
            return
        chunk = bytes(data)  # no copy: asyncio hands over bytes
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size >= self._wanted:
            self._wakeup_waiter()
            if self._transport and not self._paused and self._size > 2 * self._limit:
                self._transport.pause_reading()
                self._paused = True

    async def readexactly(self, n: int) -> bytes:
        """Exactly `n` bytes.

        Raises:
            asyncio.IncompleteReadError: the connection ended before.
        """
        self._take_over()
        if self._exception is not None:
            raise self._exception
        self._wanted = n
        try:
            while self._size < n:
                if self._eof:
                    raise asyncio.IncompleteReadError(self._take(self._size), n)
                await self._wait_for_data("readexactly")
        finally:
            self._wanted = 0
        data = self._take(n)
        if self._paused and self._transport and self._size <= self._limit:
            self._paused = False
            self._transport.resume_reading()
        return data

    def at_eof(self) -> bool:
        """Whether the connection has ended and everything was read."""
        return self._eof and not self._size and not self._buffer

    def _take_over(self) -> None:
        if not self._took_over:
            self._took_over = True
            if self._buffer:
                self._chunks.append(bytes(self._buffer))
                self._size = len(self._buffer)
                self._buffer.clear()

    def _take(self, n: int) -> bytes:
        self._size -= n
        taken = []
        while n:
            chunk = self._chunks.popleft()
            if len(chunk) > n:
                self._chunks.appendleft(chunk[n:])
                chunk = chunk[:n]
            taken.append(chunk)
            n -= len(chunk)
        return taken[0] if len(taken) == 1 else b"".join(taken)
