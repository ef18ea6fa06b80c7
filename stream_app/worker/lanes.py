"""Partitions side by side, the batches of each one after the other.

Most of a batch's time is waiting for the broker's word. While one partition waits another is
worked on; within a partition the next batch begins only when the one before it is done, so that
what is sent keeps its order and each batch finds the rows as the one before it left them. What
has gathered meanwhile is worked on as one batch: the busier, the fewer rounds to the broker.

A round costs about as much as the search of a thousand claims, and the few claims that a backlog
yields come one by one. So what is read out of a backlog waits for the next tick, all lanes for the
same one: their rounds then share requests, and so do those of the hop behind. A tick is a small
part of what such a claim has waited already.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from stream_app.worker.batch import MAX_RECORDS, Batch

_TICK_SECONDS = 0.25

Work = Callable[[Batch], Awaitable[None]]
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Future[Any]]


class Lanes:
    """The batches that wait their turn, by partition.

    By the partition's number alone: a member's claims and history lie in partitions of the same
    number in two topics, share the member's rows, and so share a lane.

    How many batches wait is bounded by the bytes in flight, which count them until they are done.

    Args:
        work: what is to be done with a batch. Where it fails nothing more is done in that lane.
        spawn: starts a coroutine and stops the worker should it fail.
    """

    def __init__(self, work: Work, spawn: Spawn) -> None:
        self._work = work
        self._spawn = spawn
        self._lanes: dict[int, deque[Batch]] = {}
        self._walks: set[asyncio.Future[Any]] = set()

    def put(self, batch: Batch) -> None:
        """Have a batch worked on as soon as its lane is free."""
        lane = self._lanes.get(batch.partition)
        if lane is not None:
            lane.append(batch)
            return
        lane = self._lanes[batch.partition] = deque((batch,))
        walk = self._spawn(self._walk(batch, lane))
        self._walks.add(walk)
        walk.add_done_callback(self._walks.discard)

    def clear(self) -> None:
        """Forget what waits. What is being worked on goes on, and its lane is not free before."""
        for lane in self._lanes.values():
            lane.clear()

    def stop(self) -> None:
        """Give up what waits and what is being worked on: it will be read again.

        Or a batch that outlasts the stop would find its producer closed, and fail.
        """
        self.clear()
        for walk in self._walks:
            walk.cancel()

    async def _walk(self, first: Batch, lane: deque[Batch]) -> None:
        if first.is_behind:
            await asyncio.sleep(_TICK_SECONDS - asyncio.get_running_loop().time() % _TICK_SECONDS)
        while lane:
            batches = _take(lane)
            if batches:
                await self._work(Batch.joined(batches))
        # Not where the work failed: that lane stays shut.
        del self._lanes[first.partition]


def _take(lane: deque[Batch]) -> list[Batch]:
    """As many batches of one topic as are worked on in one go; none that is not ours any more."""
    taken: list[Batch] = []
    room = MAX_RECORDS
    while lane:
        batch = lane[0]
        # The partition may have moved on while the batch waited.
        if batch.span.alive:
            if taken and (batch.topic != taken[0].topic or len(batch.records) > room):
                break
            taken.append(batch)
            room -= len(batch.records)
        lane.popleft()
    return taken
