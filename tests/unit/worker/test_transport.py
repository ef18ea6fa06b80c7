"""The consumer thread against a consumer that does what aiokafka does, at the worst moment."""

import asyncio
from collections.abc import Callable
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import FetchResult
from faust.types import TP

from stream_app.worker.consumer_thread import ConsumerThread
from stream_app.worker.hop import Hop
from stream_app.worker.ledger import Span
from stream_app.worker.read_ahead import ReadAhead
from stream_app.worker.scan.fetched import Fetched, end_offset
from stream_app.worker.transport import Consumer, RebalanceListener
from tests.property.scan_batches import Rec, v2_batch

P0, P1, LOG = TP("t", 0), TP("t", 1), TP("a-changelog", 0)


def new_hop(**limits: Any) -> Hop:
    defaults: dict[str, Any] = {
        "name": "scope",
        "max_in_flight_bytes": 100,
        "settle_seconds": 0.05,
        "fetch_max_bytes": 1,
        "fetch_max_partition_bytes": 1,
        "fetch_max_wait_ms": 1,
    }
    return Hop(**(defaults | limits))


class FakeResult(FetchResult):
    """One fetch of one partition: a record batch as a broker keeps it, of small records."""

    def __init__(self, consumer: "FakeConsumer", tp: TP, start: int, batch: bytes) -> None:
        self.tp, self.consumer, self.batch = tp, consumer, batch
        consumer.positions[tp] = start

    def getall(self, max_records: int | None = None) -> list[Any]:
        """Changelogs only."""
        self.take()
        return [SimpleNamespace(offset=0)]

    def take(self) -> Fetched:
        start, stop = self.consumer.positions[self.tp], end_offset(self.batch, 0)
        self.consumer.positions[self.tp] = stop
        return Fetched(self.tp.topic, self.tp.partition, start, stop, self.batch)


class FakeConsumer:
    """Two stream partitions and a changelog; `meanwhile` runs inside each request."""

    def __init__(self, committed: dict[TP, int | None]) -> None:
        self.commits = committed
        self.beginnings = dict.fromkeys([P0, P1, LOG], 0)
        self.assigned = {P0, P1, LOG}
        self.positions: dict[TP, int] = {}
        self.meanwhile: Callable[[], None] = lambda: None
        self._coordinator = SimpleNamespace(generation=1)
        self._closed = False
        self.idle = True
        self._fetcher = SimpleNamespace(
            _closed=False,
            _records={},
            _notify=lambda future: None,
            _wait_consume_future=None,
            _create_fetch_waiter=lambda: asyncio.get_running_loop().create_future(),
            _subscriptions=SimpleNamespace(
                reassignment_in_progress=False, fetch_context=self._fetch_context
            ),
        )

    @contextmanager
    def _fetch_context(self) -> Any:
        self.idle = False
        yield

    def assignment(self) -> set[TP]:
        return self.assigned

    async def committed(self, tp: TP) -> int | None:
        await asyncio.sleep(0)
        self.meanwhile()
        return self.commits.get(tp)

    async def beginning_offsets(self, tps: list[TP]) -> dict[TP, int]:
        await asyncio.sleep(0)
        return {tp: self.beginnings[tp] for tp in tps}

    def seek(self, tp: TP, offset: int) -> None:
        assert tp in self.assigned
        self.positions[tp] = offset


class Bench:
    """A consumer thread without its thread."""

    def __init__(self, **committed: int | None) -> None:
        self.hop = new_hop()
        self.consumer = FakeConsumer({P0: committed.get("p0"), P1: committed.get("p1")})
        self.faust = SimpleNamespace(
            flow_active=True,
            _read_offset={},
            _is_changelog_tp=lambda tp: tp.topic.endswith("changelog"),
        )
        thread: Any = ConsumerThread.__new__(ConsumerThread)
        thread.consumer = self.faust
        thread.app = SimpleNamespace(hop=self.hop, on_rebalance_start=lambda: None)
        thread._consumer = self.consumer
        thread._fetches = SimpleNamespace(take=lambda result: result.take())
        thread._seeking_back, thread._seeks, thread._ahead = set(), set(), ReadAhead()
        thread.on_partitions_assigned = self._heard
        thread.on_partitions_revoked = self._heard
        self.thread = thread

    async def _heard(self, *_: object) -> None: ...

    async def ready(self) -> None:
        await self.thread._seek_streams()
        assert self.hop.gate.open(1)

    def fetched(self, tp: TP, start: int, stop: int) -> None:
        batch, _ = v2_batch([Rec(b"12345")] * (stop - start), start)
        self.consumer._fetcher._records[tp] = FakeResult(self.consumer, tp, start, batch)

    async def fetch(self, *active: TP, within: float = 0.0) -> dict[TP, Any]:
        return await self.thread._fetch_records(  # type: ignore[no-any-return]
            self.consumer, set(active or self.consumer.assigned), timeout=within
        )


async def test_partition_starts_at_its_commit_or_at_its_beginning_when_sought() -> None:
    bench = Bench(p0=7)
    bench.consumer.beginnings[P1] = 3
    assert await bench.thread._seek_streams() == {P0: 7, P1: 3}
    assert bench.consumer.positions == {P0: 7, P1: 3}
    assert bench.faust._read_offset == {P0: 7, P1: 3}
    assert bench.hop.ledger[P0].next == 7
    assert LOG not in bench.hop.ledger.positions()


async def test_gate_shuts_at_once_when_partitions_are_revoked_or_assigned() -> None:
    """On the call, not when what it returns is awaited: a fetch may run before that."""
    for hear in ("on_partitions_revoked", "on_partitions_assigned"):
        bench = Bench()
        await bench.ready()
        heard = getattr(RebalanceListener(bench.thread), hear)({P0})
        if hear == "on_partitions_revoked":
            assert bench.hop.gate.readable == frozenset()
        await heard
        assert bench.hop.gate.readable == frozenset()


async def test_gate_stays_shut_when_a_rebalance_begins_during_the_seek() -> None:
    """The old generation's seek comes back while its partitions are being revoked."""
    bench = Bench()
    bench.consumer.meanwhile = bench.hop.gate.close
    await bench.thread._seek_streams()
    assert not bench.hop.gate.open(1), "the rebalance closed it; only the next seek may open it"


async def test_nothing_is_sought_when_the_generation_changes_during_the_seek() -> None:
    bench = Bench()

    def next_generation() -> None:
        bench.consumer._coordinator.generation = 2

    bench.consumer.meanwhile = next_generation
    assert await bench.thread._seek_streams() == {}
    assert bench.consumer.positions == {}
    assert not bench.hop.gate.open(1)
    assert not bench.hop.gate.open(2)


async def test_nothing_of_the_old_assignment_is_left_when_the_next_generation_has_sought() -> None:
    """A stray seek between revocation and assignment must not leave partitions in the ledger."""
    bench = Bench()
    await bench.ready()
    bench.hop.gate.close()
    bench.hop.ledger.forget({P0, P1})
    await bench.thread._seek_streams()  # Faust's fetch loop, flow not active; still assigned
    bench.consumer.assigned = {P1, LOG}
    bench.consumer._coordinator.generation = 2
    await RebalanceListener(bench.thread).on_partitions_assigned({P1, LOG})
    await bench.thread._seek_streams()
    assert bench.hop.gate.open(2)
    assert set(bench.hop.ledger.positions()) == {P1}


async def test_seek_is_left_alone_when_this_generation_is_already_reading() -> None:
    bench = Bench()
    await bench.ready()
    bench.fetched(P0, 0, 4)
    batches = await bench.fetch()
    assert await bench.thread._seek_streams() == {}
    assert bench.consumer.positions[P0] == 4
    assert batches[P0][0].span.alive


async def test_only_changelogs_are_read_when_the_gate_is_shut() -> None:
    bench = Bench()
    bench.fetched(P0, 0, 4)
    bench.fetched(LOG, 0, 2)
    found = await bench.fetch()
    assert set(found) == {LOG}
    assert P0 in bench.consumer._fetcher._records, "what was fetched stays until it may be read"


async def test_nothing_is_read_when_faust_says_no_partition_is_active() -> None:
    """To aiokafka an empty set would mean all."""
    bench = Bench()
    await bench.ready()
    bench.fetched(P0, 0, 4)
    assert await bench.thread._fetch_records(bench.consumer, set(), timeout=0.0) == {}
    assert P0 in bench.consumer._fetcher._records


async def test_nothing_is_read_when_the_flow_is_stopped_or_partitions_are_reassigned() -> None:
    bench = Bench()
    await bench.ready()
    bench.fetched(P0, 0, 4)
    bench.faust.flow_active = False
    assert await bench.fetch() == {}
    bench.faust.flow_active = True
    bench.consumer._fetcher._subscriptions.reassignment_in_progress = True
    assert await bench.fetch() == {}
    assert P0 in bench.consumer._fetcher._records


async def test_fetch_that_waited_brings_nothing_when_the_gate_moved() -> None:
    """It wakes up in the next generation, with the snapshot of the last."""
    bench = Bench()
    await bench.ready()
    waiter = asyncio.get_running_loop().create_future()
    bench.consumer._fetcher._create_fetch_waiter = lambda: waiter
    fetching = asyncio.ensure_future(bench.fetch(within=30.0))
    await asyncio.sleep(0)
    bench.hop.gate.close()
    bench.consumer._coordinator.generation = 2
    await bench.thread._seek_streams()
    assert bench.hop.gate.open(2)
    bench.fetched(P0, 0, 4)
    waiter.set_result(None)
    assert await fetching == {}
    assert bench.hop.ledger[P0].next == 0


async def test_ranges_follow_each_other_when_fetches_do() -> None:
    bench = Bench(p0=10)
    await bench.ready()
    spans: list[Span] = []
    for start, stop in [(10, 14), (14, 15)]:
        bench.fetched(P0, start, stop)
        (batch,) = (await bench.fetch())[P0]
        spans.append(batch.span)
    assert [(span.start, span.stop) for span in spans] == [(10, 14), (14, 15)]
    assert bench.hop.ledger.in_flight == 25
    spans[1].finish()
    assert bench.hop.ledger.marks() == {}
    spans[0].finish()
    assert bench.hop.ledger.marks() == {P0: 15}


async def test_range_without_records_is_done_when_the_position_moved() -> None:
    bench = Bench()
    await bench.ready()
    emptied, _ = v2_batch([], 0, tail_gap=8)
    bench.consumer._fetcher._records[P0] = FakeResult(bench.consumer, P0, 0, emptied)
    assert await bench.fetch() == {}
    assert bench.hop.ledger.marks() == {P0: 9}


async def test_mark_stops_and_reading_goes_back_when_the_position_jumped() -> None:
    bench = Bench()
    await bench.ready()
    bench.fetched(P0, 0, 4)
    (batch,) = (await bench.fetch())[P0]
    bench.fetched(P0, 50, 60)
    assert await bench.fetch() == {}
    await asyncio.gather(*bench.thread._seeks)
    assert bench.consumer.positions[P0] == 0
    assert not batch.span.alive
    assert bench.hop.ledger[P0].next == 0


async def test_reading_pauses_when_too_many_bytes_are_in_flight() -> None:
    bench = Bench()
    await bench.ready()
    bench.fetched(P0, 0, 21)  # 105 bytes, 100 are allowed
    (batch,) = (await bench.fetch())[P0]
    bench.fetched(P1, 0, 1)
    assert await bench.fetch() == {}
    batch.span.finish()
    assert set(await bench.fetch()) == {P1}


class SlowScan:
    """Reads a topic's fetches when it is told to."""

    topic = "t"

    def __init__(self) -> None:
        self.begun: list[tuple[Fetched, asyncio.Future[Any]]] = []

    def begin(self, fetched: Fetched) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        self.begun.append((fetched, future))
        return future

    def end(self, number: int) -> None:
        fetched, future = self.begun[number]
        future.set_result([SimpleNamespace(offset=fetched.from_offset, value=b"")])


async def test_next_fetch_is_taken_while_the_one_before_it_is_read() -> None:
    """Or aiokafka would find it lying about, and ask for the other partitions alone."""
    bench = Bench()
    scan: Any = SlowScan()
    bench.hop.scan, bench.hop.max_in_flight_bytes = scan, 10_000
    await bench.ready()
    for start in (0, 4):
        bench.fetched(P0, start, start + 4)
        assert await bench.fetch() == {}
        assert P0 not in bench.consumer._fetcher._records
    scan.end(1)
    assert await bench.fetch() == {}, "the first is not read yet"
    scan.end(0)
    assert [batch.span.start for batch in (await bench.fetch())[P0]] == [0, 4]


async def test_what_is_being_read_is_dropped_when_the_gate_moves() -> None:
    bench = Bench()
    scan: Any = SlowScan()
    bench.hop.scan = scan
    await bench.ready()
    bench.fetched(P0, 0, 4)
    assert await bench.fetch() == {}
    bench.hop.gate.close()
    bench.hop.ledger.clear()
    bench.consumer._coordinator.generation = 2
    await bench.thread._seek_streams()
    assert bench.hop.gate.open(2)
    assert await bench.fetch() == {}
    assert scan.begun[0][1].cancelled()
    bench.fetched(P0, 0, 2)
    assert await bench.fetch() == {}
    scan.end(1)
    (batch,) = (await bench.fetch())[P0]
    assert (batch.span.start, batch.span.stop) == (0, 2)


async def test_what_is_being_read_is_not_handed_out_when_its_partition_is_sought_anew() -> None:
    """Faust would take the offsets behind the seek for known, and drop them."""
    bench = Bench()
    scan: Any = SlowScan()
    bench.hop.scan, bench.hop.max_in_flight_bytes = scan, 10_000
    await bench.ready()
    bench.fetched(P0, 0, 4)
    assert await bench.fetch() == {}
    bench.fetched(P0, 50, 60)  # the position jumped: back to 0
    assert await bench.fetch() == {}
    await asyncio.gather(*bench.thread._seeks)
    scan.end(0)
    assert await bench.fetch() == {}


async def test_batch_says_that_more_is_behind_it_when_the_fetch_was_large() -> None:
    bench = Bench()
    bench.hop.max_in_flight_bytes = 10_000
    await bench.ready()
    for limit, is_behind in ((100, True), (10_000, False)):
        bench.hop.fetch_max_partition_bytes = limit
        start = bench.hop.ledger[P0].next
        bench.fetched(P0, start, start + 4)
        (batch,) = (await bench.fetch())[P0]
        assert batch.is_behind is is_behind


async def test_consumer_counts_as_polling_when_records_are_always_there() -> None:
    """aiokafka leaves the group when nobody has been inside `fetch_context` for too long
    (max.poll.interval): under a backlog no fetch ever has to wait there.
    """
    bench = Bench()
    await bench.ready()
    bench.fetched(P0, 0, 4)
    assert await bench.fetch()
    assert not bench.consumer.idle


class FakeFaustConsumer:
    """What `Consumer.force_commit` needs of itself."""

    def __init__(self, hop: Hop, answers: list[bool]) -> None:
        self.hop, self.answers, self.told = hop, answers, []

    async def _commit(self, offsets: dict[TP, int]) -> bool:
        self.told.append(dict(offsets))
        return self.answers.pop(0)


async def test_commit_is_told_again_when_the_broker_refused_it() -> None:
    hop = new_hop()
    hop.ledger.start(P0, 0, None)
    hop.ledger[P0].read(0, 3).finish()
    faust: Any = FakeFaustConsumer(hop, [False, True])
    assert not await Consumer.force_commit(faust)
    assert await Consumer.force_commit(faust)
    assert not await Consumer.force_commit(faust), "nothing new: nothing is sent"
    assert faust.told == [{P0: 3}, {P0: 3}]


async def test_range_is_done_only_when_its_batch_went_through() -> None:
    hop = new_hop()
    hop.ledger.start(P0, 0, None)
    batch: Any = SimpleNamespace(span=hop.ledger[P0].read(0, 3))
    with pytest.raises(RuntimeError):
        async with hop.running(batch):
            raise RuntimeError
    assert hop.ledger.marks() == {}
    async with hop.running(batch):
        assert hop.ledger.marks() == {}
    assert hop.ledger.marks() == {P0: 3}


async def test_settling_waits_for_running_batches_and_gives_up_when_told() -> None:
    hop = new_hop(settle_seconds=30.0)
    hop.ledger.start(P0, 0, None)
    go_on = asyncio.Event()

    async def work(stop: int) -> None:
        batch: Any = SimpleNamespace(span=hop.ledger[P0].read(stop - 1, stop))
        async with hop.running(batch):
            await go_on.wait()

    await hop.settled()  # nothing runs: at once
    works = [asyncio.ensure_future(work(stop)) for stop in (1, 2)]
    await asyncio.sleep(0)
    settling = asyncio.ensure_future(hop.settled())
    await asyncio.sleep(0)
    assert not settling.done()
    go_on.set()
    await settling
    assert hop.ledger.marks() == {P0: 2}
    await asyncio.gather(*works)
    hop.settle_seconds = 0.01
    go_on.clear()
    stuck = asyncio.ensure_future(work(3))
    await asyncio.sleep(0)
    await hop.settled()
    assert hop.ledger.marks() == {P0: 2}
    stuck.cancel()


async def test_stop_is_bounded_when_the_consumer_thread_no_longer_answers() -> None:
    """After a crash the thread may end with the last commit still waiting in its queue."""
    hop = new_hop(settle_seconds=0.05)

    async def commit() -> None:
        await asyncio.Event().wait()

    faust: Any = SimpleNamespace(hop=hop, commit=commit)
    await asyncio.wait_for(Consumer.wait_empty(faust), 10)
