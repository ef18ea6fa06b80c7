"""Run a worker with a bug planted in it: `python -m tests.integration.planted BUG[,BUG] worker`.

The failure tests mean something only if they fail when the worker is wrong. Each bug takes away
one of the worker's own safeguards and leaves the rest as it is. `stuck-broker` is no bug but the
circumstance in which some of them show: nothing that is sent is ever acknowledged. Nor are
`slow-broker` and `busy-loop`.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from stream_app.worker import (
    gate,
    hop,
    lanes,
    ledger,
    outbox,
    tables,
    transport,
)


class _Anything:
    """In place of the partitions that may be read: all, always; and no seek has been made yet."""

    def __and__(self, other: set[TP]) -> set[TP]:
        return set(other)

    def __contains__(self, tp: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return False


def no_gate() -> None:
    """Faust's own order of things: read while it seeks, seek only what has a commit."""
    anything = _Anything()
    gate.Gate.readable = property(lambda self: anything)  # type: ignore[method-assign,assignment]
    thread: Any = transport.ConsumerThread
    thread.seek_to_committed = AIOKafkaConsumerThread.seek_to_committed

    def enter(self: Any, tp: TP, start: int, stop: int) -> ledger.Span | None:
        if start == stop:
            return None
        partition = self.hop.ledger.get(tp)
        if partition is None or partition.next != start:
            self.hop.ledger.start(tp, start, None)
        return self.hop.ledger[tp].read(start, stop)  # type: ignore[no-any-return]

    def fetched(self: Any, consumer: Any, wanted: set[TP]) -> list[TP]:
        # Faust's set as it is now, which grows the moment that it resumes the streams.
        live = self.consumer._active_partitions
        in_rebalance = consumer._fetcher._subscriptions.reassignment_in_progress
        return [] if in_rebalance else [tp for tp in consumer._fetcher._records if tp in live]

    thread._enter = enter
    thread._fetched = fetched


def commit_position() -> None:
    """What is committed is what was read, not what is done."""

    def marks(self: Any) -> dict[TP, int]:
        return {tp: p.next for tp, p in self._partitions.items() if p.next != (p.committed or 0)}

    ledger.Ledger.marks = marks  # type: ignore[method-assign]


def finish_early() -> None:
    """A batch is called done when work on it begins."""
    running = hop.Hop.running

    @asynccontextmanager
    async def early(self: hop.Hop, batch: Any) -> AsyncIterator[None]:
        batch.span.finish()
        async with running(self, batch):
            yield

    hop.Hop.running = early  # type: ignore[assignment,method-assign]


def forget_changelog() -> None:
    """A row that the broker refuses is passed over, as Faust does: logged at best."""
    write = tables.MemberTable.write

    async def careless(
        self: tables.MemberTable, partition: int, rows: Mapping[bytes, bytes | None], *rest: Any
    ) -> None:
        with suppress(KafkaError):
            await write(self, partition, rows, *rest)

    tables.MemberTable.write = careless  # type: ignore[method-assign,assignment]


def stuck_broker() -> None:
    """Nothing sent is acknowledged; nothing is refused, either."""

    async def send(self: outbox.Outbox, *_: Any, **__: Any) -> None: ...

    async def acknowledged(self: outbox.Outbox) -> Any:
        await asyncio.Event().wait()

    outbox.Outbox.send = send  # type: ignore[method-assign]
    outbox.Outbox.acknowledged = acknowledged  # type: ignore[method-assign]


def slow_broker() -> None:
    """Every acknowledgement takes a while, and so does the word on where a group stands."""
    perform_seek, acknowledged = transport.Consumer.perform_seek, outbox.Outbox.acknowledged

    async def seek_slowly(self: transport.Consumer) -> None:
        await asyncio.sleep(1.0)
        await perform_seek(self)

    async def acknowledge_slowly(self: outbox.Outbox) -> Any:
        await asyncio.sleep(0.1)
        return await acknowledged(self)

    transport.Consumer.perform_seek = seek_slowly  # type: ignore[method-assign]
    outbox.Outbox.acknowledged = acknowledge_slowly  # type: ignore[method-assign]


def busy_loop() -> None:
    """Whenever an agent has taken a batch the loop is busy for a while, as with large ones."""
    put = lanes.Lanes.put

    def put_slowly(self: lanes.Lanes, batch: Any) -> None:
        put(self, batch)
        time.sleep(0.3)

    lanes.Lanes.put = put_slowly  # type: ignore[method-assign]


BUGS = {
    bug.__name__.replace("_", "-"): bug
    for bug in (
        no_gate,
        commit_position,
        finish_early,
        forget_changelog,
        stuck_broker,
        slow_broker,
        busy_loop,
    )
}


if __name__ == "__main__":
    bugs = sys.argv.pop(1)
    for name in bugs.split(","):
        BUGS[name]()
    from stream_app.cli.main import run

    sys.exit(run())
