"""The thread on which records are read: batches through the gate, into the ledger, to Faust.

What is overridden here and why (faust-streaming 0.15.3, aiokafka 0.14.0; both pinned, and
`tests/contract/test_faust_internals.py` fails with a clear word when an upgrade moves them):

    ConsumerThread._fetch_records      hands out batches through the gate and into the ledger;
                                       Faust's own hands out records, 30 to 80 times slower
    ConsumerThread.seek_to_committed   Faust's leaves partitions without a commit where a stray
                                       fetch put them; runs in the gate's and the ledger's name
    ConsumerThread._create_worker_consumer   read_committed and the fetch sizes are not settings
    ConsumerThread.on_thread_stop      gives up what is still being read
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import cast

import aiokafka
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream_app.worker.batch import MAX_RECORDS, Batch, ChangelogBatch, Record
from stream_app.worker.hop import Hop
from stream_app.worker.ledger import OutOfStep, Span
from stream_app.worker.read_ahead import ReadAhead, Reading
from stream_app.worker.scan import Fetched, RawFetches, read_all

# How long to sleep while nothing may be read: the gate is closed, or enough bytes are in flight.
_GATE_POLL_SECONDS = 0.02
_FULL_POLL_SECONDS = 0.002
_TURNS_TO_FETCH = 4

Drained = dict[TP, list[Batch | ChangelogBatch]]
"""What is handed to Faust: batches by partition."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Runs on a thread and loop of its own; talks to the agents through batches only."""

    @property
    def hop(self) -> Hop:
        return cast(Hop, self.app.hop)  # type: ignore[attr-defined]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fetches: RawFetches
        self._ahead = ReadAhead()
        self._seeking_back: set[TP] = set()
        self._seeks: set[asyncio.Future[None]] = set()

    async def on_start(self) -> None:
        await super().on_start()
        # Changelogs are ours and read as ever; of all else the bytes are kept.
        self._fetches = RawFetches(
            self._ensure_consumer(), lambda topic: not self.consumer._is_changelog_tp(TP(topic, 0))
        )

    async def on_thread_stop(self) -> None:
        await super().on_thread_stop()
        # Or a scan that outlasts this thread would report to a loop that is closed.
        self._ahead.drop()

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        self.hop.prepare_consumer(consumer)
        return consumer

    # -- the gate -----------------------------------------------------------------------

    async def seek_to_committed(self) -> Mapping[TP, int]:
        return cast(Mapping[TP, int], await self.call_thread(self._seek_streams))

    async def _seek_streams(self) -> dict[TP, int]:
        """Put every stream partition at its commit, or at its beginning if it has none."""
        consumer = self._ensure_consumer()
        hop = self.hop
        generation, closings = consumer._coordinator.generation, hop.gate.closings
        if hop.gate.readable:
            # A left-over seek of Faust's fetch loop; this generation has had its own.
            return {}
        streams = [tp for tp in consumer.assignment() if not self.consumer._is_changelog_tp(tp)]
        committed = dict(
            zip(
                streams,
                await asyncio.gather(*(consumer.committed(tp) for tp in streams)),
                strict=True,
            )
        )
        beginning = await consumer.beginning_offsets(streams) if streams else {}
        first_of_all = hop.history_first
        histories = [] if first_of_all is None else first_of_all.histories(streams)
        ends = await consumer.end_offsets(histories) if histories else {}
        if (generation, closings) != (consumer._coordinator.generation, hop.gate.closings):
            return {}
        # No await from here on: seek, ledger and gate move together.
        positions: dict[TP, int] = {}
        for tp in streams:
            offset, first = committed[tp], beginning[tp]
            if offset is not None and offset < first:
                hop.lost(tp, offset, first)
            positions[tp] = first if offset is None else max(offset, first)
            self._restart(tp, positions[tp], offset)
        if first_of_all is not None:
            first_of_all.sought(positions, ends)
        hop.gate.sought(generation, frozenset(positions))
        return positions

    def _restart(self, tp: TP, position: int, committed: int | None) -> None:
        self._ensure_consumer().seek(tp, position)
        self.hop.ledger.start(tp, position, committed)
        # Faust drops messages below what it has read of the partition.
        self.consumer._read_offset[tp] = position

    # -- reading ------------------------------------------------------------------------

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109  (Faust's signature)
        max_records: int | None = None,
    ) -> RecordMap:
        if not self.consumer.flow_active:
            return {}
        readable = self.hop.gate.readable
        # A snapshot: Faust's set changes under our feet, and an empty one would mean "all".
        changelogs = {tp for tp in active_partitions if self.consumer._is_changelog_tp(tp)}
        held = self.hop.history_first.held(self.hop.ledger) if self.hop.history_first else set()
        wanted = changelogs | ((readable & active_partitions) - held)
        deadline = time.monotonic() + (timeout or 0.0)
        if not wanted:
            await asyncio.sleep(_GATE_POLL_SECONDS)
            return {}
        # Whoever is never seen inside is idle to aiokafka, and an idle consumer does not rejoin
        # its group: under a backlog nobody waits for records, yet they are asked for.
        with consumer._fetcher._subscriptions.fetch_context():
            return await self._next_records(consumer, wanted, readable, deadline)

    async def _next_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        wanted: set[TP],
        readable: frozenset[TP],
        deadline: float,
    ) -> RecordMap:
        self._ahead.belong_to(readable)
        while True:
            if consumer._closed or consumer._fetcher._closed:
                raise ConsumerStoppedError
            if self.hop.gate.readable is not readable or not self.consumer.flow_active:
                # The gate moved while we waited. Positions may be past records that nobody
                # has seen; the seek that opens the gate again puts them right.
                return {}
            may_take = (
                self._ahead.room > 0 and self.hop.ledger.in_flight <= self.hop.max_in_flight_bytes
            )
            drained: Drained = {}
            if may_take:
                await self._take(consumer, wanted, drained)
            for reading, records in self._ahead.ended():
                self._hand_out(drained, reading, records)
            if drained:
                return drained if self.hop.gate.readable is readable else {}
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return {}
            await self._something_to_do(consumer, wanted, remaining, may_take=may_take)

    async def _something_to_do(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        wanted: set[TP],
        seconds: float,
        *,
        may_take: bool,
    ) -> None:
        """Wait until a fetch has been read or has come; so long at the most."""
        first = self._ahead.first
        events = set() if first is None else {first}
        if may_take:
            if self._fetched(consumer, wanted):
                return
            events.add(consumer._fetcher._create_fetch_waiter())
        elif not events:
            # Bytes that are in flight are done on another thread, which does not tell us.
            await asyncio.sleep(_FULL_POLL_SECONDS)
            return
        await asyncio.wait(events, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _fetched(self, consumer: aiokafka.AIOKafkaConsumer, wanted: set[TP]) -> list[TP]:
        """Of which of the wanted partitions something has been fetched."""
        fetcher = consumer._fetcher
        if fetcher._subscriptions.reassignment_in_progress:
            return []
        return [tp for tp in fetcher._records if tp in wanted]

    async def _take(
        self, consumer: aiokafka.AIOKafkaConsumer, wanted: set[TP], changelogs: Drained
    ) -> None:
        """Take what has been fetched of `wanted`, enter it into the ledger, begin to read it.

        Taking and entering never wait, so no seek can come between. The records are read only
        then: meanwhile the next fetch is on its way. Only changelogs are read at once.
        """
        fetcher = consumer._fetcher
        taken: list[tuple[TP, Span, Fetched]] = []
        room = self._ahead.room
        for tp in self._fetched(consumer, wanted):
            if room <= 0:
                break
            result = fetcher._records.pop(tp)
            fetcher._notify(fetcher._wait_consume_future)
            if not isinstance(result, FetchResult):
                result.check_raise()
            if self.consumer._is_changelog_tp(tp):
                rows = result.getall()
                if rows:
                    changelogs[tp] = [ChangelogBatch(tp.topic, tp.partition, rows)]
            else:
                fetched = self._fetches.take(result)
                if fetched is None:
                    continue  # stale: nothing has moved
                span = self._enter(tp, fetched.from_offset, fetched.to_offset)
                if span is not None:
                    span.resize(len(fetched.data))
                    room -= len(fetched.data)
                    taken.append((tp, span, fetched))
        for tp, span, fetched in taken:
            await self._let_fetch_go_out()
            self._ahead.begin(Reading(tp, span, len(fetched.data), self._read(fetched)))

    def _read(self, fetched: Fetched) -> "asyncio.Future[Sequence[Record]]":
        scan = self.hop.scan
        if scan is not None and scan.topic == fetched.topic:
            return cast("asyncio.Future[Sequence[Record]]", scan.begin(fetched))
        done: asyncio.Future[Sequence[Record]] = asyncio.get_running_loop().create_future()
        done.set_result(read_all(fetched))
        return done

    def _enter(self, tp: TP, start: int, stop: int) -> Span | None:
        """Enter a range into the ledger; None where there is nothing to do about it."""
        if start == stop:
            return None
        try:
            return self.hop.ledger[tp].read(start, stop)
        except OutOfStep:
            if tp not in self._seeking_back:
                self._seeking_back.add(tp)
                self._seeks.add(task := asyncio.ensure_future(self._seek_back(tp)))
                task.add_done_callback(self._seeks.discard)
            return None

    def _hand_out(
        self,
        drained: Drained,
        reading: Reading,
        records: Sequence[Record],
    ) -> None:
        """Make batches of what is left of a range, none too large to be worked on in one go."""
        tp, span = reading.tp, reading.span
        if not span.alive:
            # Sought anew while it was read. Faust must not hear of it: it drops what comes behind
            # an offset that it has seen.
            return
        if not records:
            span.finish()
            return
        # The broker had about as much as a fetch may bring: there is more where that came from.
        is_behind = reading.size * 2 > self.hop.fetch_max_partition_bytes
        stops = [record.offset for record in records[MAX_RECORDS::MAX_RECORDS]]
        spans = span.split([*stops, span.stop])
        batches = drained.setdefault(tp, [])
        for number, part in enumerate(spans):
            some = records[number * MAX_RECORDS : (number + 1) * MAX_RECORDS]
            part.resize(sum(len(record.value or b"") for record in some))
            batches.append(Batch(tp.topic, tp.partition, part, some, is_behind))

    async def _let_fetch_go_out(self) -> None:
        """Give aiokafka's fetch task the few turns of the loop that it takes to ask for more."""
        for _ in range(_TURNS_TO_FETCH):
            await asyncio.sleep(0)

    async def _seek_back(self, tp: TP) -> None:
        """The position jumped (a reset by OffsetOutOfRange): go back to what is done.

        What retention has taken meanwhile is lost; it is counted and alarmed.
        """
        consumer = self._ensure_consumer()
        readable = self.hop.gate.readable
        first = (await consumer.beginning_offsets([tp]))[tp]
        if self.hop.gate.readable is not readable or tp not in readable:
            self._seeking_back.discard(tp)
            return
        self._seeking_back.discard(tp)
        partition = self.hop.ledger[tp]
        mark = partition.mark
        if mark < first:
            self.hop.lost(tp, mark, first)
        self._restart(tp, max(mark, first), partition.committed)
