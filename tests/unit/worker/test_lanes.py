"""Partitions side by side, the batches of each in order, and nothing begun that is not ours."""

import asyncio
import dataclasses
from collections.abc import Coroutine
from typing import Any

import pytest

from stream_app.worker import lanes
from stream_app.worker.batch import MAX_RECORDS, Batch
from stream_app.worker.lanes import Lanes
from stream_app.worker.ledger import PartitionLedger


class Site:
    """Where batches are worked on: each begins, waits for its word, and ends."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.words: dict[str, asyncio.Future[None]] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.lanes = Lanes(self._work, self._spawn)

    def _spawn(self, walk: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(walk)
        self.tasks.append(task)
        return task

    async def _work(self, batch: Batch) -> None:
        name = " + ".join(map(str, batch.records))
        self.seen.append(f"{name} begins")
        await self.words.setdefault(name, asyncio.get_running_loop().create_future())
        batch.span.finish()
        self.seen.append(f"{name} ends")

    async def put(self, *names: str) -> list[Batch]:
        """Batches by name: a1 is of topic a's partition 1. Their names are their records."""
        batches = [self.batch(name, name) for name in names]
        for batch in batches:
            self.lanes.put(batch)
            await self.turn()
        return batches

    def batch(self, name: str, *records: Any) -> Batch:
        return Batch(name[0], int(name[1]), PartitionLedger(0).read(0, 1), records)

    async def end(self, name: str) -> None:
        self.words[name].set_result(None)
        await self.turn()

    async def turn(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    def new(self) -> list[str]:
        seen, self.seen = self.seen, []
        return seen


async def test_partition_is_worked_on_while_another_waits_for_the_broker() -> None:
    site = Site()
    await site.put("a1", "a2")
    assert site.new() == ["a1 begins", "a2 begins"]


async def test_batches_of_a_partition_go_one_after_the_other() -> None:
    site = Site()
    await site.put("a1 first", "a1 second", "a1 third")
    assert site.new() == ["a1 first begins"]
    await site.end("a1 first")
    assert site.new() == ["a1 first ends", "a1 second + a1 third begins"]
    await site.end("a1 second + a1 third")
    assert site.new() == ["a1 second + a1 third ends"]
    await site.put("a1 fourth")
    assert site.new() == ["a1 fourth begins"], "an empty lane is free again"


async def test_all_are_done_when_what_has_gathered_is_worked_on_as_one() -> None:
    site = Site()
    batches = await site.put("a1", "a1 second", "a1 third")
    await site.end("a1")
    assert [batch.span.done for batch in batches] == [True, False, False]
    await site.end("a1 second + a1 third")
    assert [batch.span.done for batch in batches] == [True, True, True]


async def test_no_more_is_worked_on_as_one_than_a_stop_may_wait_for() -> None:
    site = Site()
    await site.put("a1")
    for records in (["x"] * (MAX_RECORDS - 1), ["y"], ["z"]):
        site.lanes.put(site.batch("a1", *records))
    await site.end("a1")
    begun = site.new()[-1]
    assert begun.count("x") == MAX_RECORDS - 1
    assert begun.endswith("+ y begins")


async def test_topics_are_not_mixed_when_their_batches_have_gathered() -> None:
    site = Site()
    await site.put("a1", "b1", "b1 second", "a1 second", "b1 third")
    for name in ("a1", "b1 + b1 second", "a1 second"):
        await site.end(name)
    assert [event for event in site.new() if event.endswith("begins")] == [
        "a1 begins", "b1 + b1 second begins", "a1 second begins", "b1 third begins",
    ]  # fmt: skip


async def test_claims_and_history_of_a_member_go_one_after_the_other() -> None:
    """They lie in two topics, and what one does to the member's rows the other must see."""
    site = Site()
    await site.put("a1", "b1")
    assert site.new() == ["a1 begins"]
    await site.end("a1")
    assert site.new() == ["a1 ends", "b1 begins"]


async def test_batch_is_left_out_when_its_partition_has_moved_on_meanwhile() -> None:
    site = Site()
    _, second, _ = await site.put("a1", "a1 second", "a1 third")
    second.span._partition.alive = False
    await site.end("a1")
    assert site.new() == ["a1 begins", "a1 ends", "a1 third begins"]


async def test_what_waits_is_forgotten_and_what_runs_goes_on_when_cleared() -> None:
    site = Site()
    await site.put("a1", "a1 second")
    site.lanes.clear()
    await site.put("a1 third")
    assert site.new() == ["a1 begins"], "the lane is not free before the first has ended"
    await site.end("a1")
    assert site.new() == ["a1 ends", "a1 third begins"]


async def test_nothing_more_is_begun_in_a_lane_when_its_batch_has_failed() -> None:
    """What comes behind would be done on top of what is not."""
    site = Site()
    await site.put("a1", "a1 second", "a2")
    site.words["a1"].set_exception(ConnectionError())
    await site.turn()
    await site.put("a1 third", "a2 second")
    assert site.new() == ["a1 begins", "a2 begins"]
    with pytest.raises(ConnectionError):
        await site.tasks[0]
    await site.end("a2")
    assert site.new() == ["a2 ends", "a2 second begins"]
    for task in site.tasks[1:]:
        task.cancel()


async def test_what_runs_is_given_up_and_nothing_more_begun_when_stopped() -> None:
    site = Site()
    await site.put("a1", "a1 second", "a2")
    site.lanes.stop()
    await site.turn()
    assert [task.cancelled() for task in site.tasks] == [True, True]
    assert site.new() == ["a1 begins", "a2 begins"]


async def test_lanes_begin_together_when_what_they_hold_is_read_out_of_a_backlog() -> None:
    site = Site()
    for name in ("a1", "a1", "a2"):
        batch = site.batch(name, name)
        site.lanes.put(dataclasses.replace(batch, is_behind=True))
        await site.turn()
    assert site.new() == []
    await asyncio.sleep(lanes._TICK_SECONDS)
    assert sorted(site.new()) == ["a1 + a1 begins", "a2 begins"]
    for name in ("a1 + a1", "a2"):
        await site.end(name)


async def test_batch_that_waits_for_its_tick_is_forgotten_when_the_lanes_are_cleared() -> None:
    site = Site()
    site.lanes.put(dataclasses.replace(site.batch("a1", "a1"), is_behind=True))
    site.lanes.clear()
    await asyncio.gather(*site.tasks)
    assert site.new() == []
    await site.put("a1")
    assert site.new() == ["a1 begins"]
    await site.end("a1")
