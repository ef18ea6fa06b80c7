"""Workers that come, go, die and hang while claims flow: each partition has one owner at most."""

import asyncio

import pytest

from stream_app.pipeline.decide import Decider
from tests.integration.conftest import MakeSystem
from tests.integration.harness import System
from tests.integration.load import Load

NEVER = 3600.0


async def test_two_workers_share_the_partitions_when_both_run(
    system: System, decider: Decider
) -> None:
    load = Load.of(system, decider, seed=21, claims=1500)
    first = await system.start()
    second = await system.start()

    def shared() -> bool:
        owned = [
            (w.total("assigned_partitions", hop="scope"), w.total("assigned_partitions", hop=hop))
            for w in (first, second)
            for hop in ("adjudicate",)
        ]
        # 3 claims and 2 history partitions; 6 in-scope and 6 history partitions.
        return [sum(counts) for counts in zip(*owned, strict=True)] == [5, 12] and all(
            all(counts) for counts in owned
        )

    await system.until(shared, "each worker has partitions of each hop")
    await load.feed_histories()
    await load.feed_claims()
    await load.holds()
    assert await load.decided_twice() == 0, "no worker died: nothing had to be done again"
    shares = [w.total("decisions_total") for w in (first, second)]
    assert all(shares)
    assert sum(shares) == len(await system.decisions())
    assert [await w.stop() for w in (first, second)] == [0, 0]


@pytest.mark.timeout(300)
@pytest.mark.both_scans
async def test_nothing_is_lost_when_workers_join_leave_and_die_with_no_commit_yet(
    make_system: MakeSystem, decider: Decider
) -> None:
    """Only a polite leave commits; every rebalance hits fetches in flight."""
    system = await make_system(commit_interval_seconds=NEVER)
    load = Load.of(system, decider, seed=22, claims=5000)
    feeding = asyncio.create_task(load.feed_all(pause=0.15))
    first = await system.start()
    await load.some_decided(20)
    second = await system.start()
    await load.some_decided(150)
    third = system.launch("worker")  # joins while the next one dies
    await first.kill()
    await third.ready()
    await load.some_decided(350)
    assert await second.stop() == 0, second.tail()
    await system.start(CG_TRANS_03_COMMIT_INTERVAL_SECONDS="0.2")
    await feeding
    assert await third.stop() == 0, third.tail()
    await load.holds()


@pytest.mark.parametrize("turn", range(4))
async def test_nothing_is_missing_when_fresh_groups_start_on_waiting_claims(
    make_system: MakeSystem, decider: Decider, turn: int
) -> None:
    system = await make_system()
    load = Load.of(system, decider, seed=230 + turn, claims=1200)
    await load.feed_all()
    worker = await system.start()
    await load.holds()
    claims = system.settings.claims_topic
    fed = sum((await system.ends(claims)).values())
    assert worker.total("records_read_total", topic=claims) == fed, "each read once"
    in_scope = system.settings.in_scope_topic
    assert worker.total("claims_in_scope_total") == len(await system.read(in_scope))


@pytest.mark.timeout(300)
async def test_nothing_is_lost_when_a_worker_hangs_and_wakes_as_a_zombie(
    system: System, decider: Decider
) -> None:
    """Frozen past its session, it wakes with batches that belong to somebody else."""
    load = Load.of(system, decider, seed=24, claims=4000)
    zombie = await system.start()
    await load.feed_histories()
    feeding = asyncio.create_task(load.feed_claims(pause=0.1))
    await load.some_decided(50)
    zombie.freeze()
    heir = await system.start()
    await load.some_decided(len(await system.decisions()) + 100)
    zombie.thaw()
    await feeding
    await load.holds()
    assert await heir.stop() == 0, heir.tail()
    await load.holds()
    assert await zombie.stop() == 0, zombie.tail()
