"""What must hold every time, tried many times: `make chaos`."""

import asyncio
import random
from pathlib import Path

import pytest

from stream_app.local_kafka.broker import start, stop
from stream_app.pipeline.decide import Decider
from tests.integration.conftest import MakeSystem
from tests.integration.events import claim, history, new_member
from tests.integration.harness import System, Worker
from tests.integration.load import Load
from tests.integration.test_planted_bugs import refuse_rows

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.mark.parametrize("turn", range(12))
async def test_nothing_is_missing_when_a_fresh_group_starts_on_waiting_claims(
    make_system: MakeSystem, decider: Decider, turn: int
) -> None:
    system = await make_system()
    load = Load.of(system, decider, seed=500 + turn, claims=2000)
    await load.feed_all()
    workers = [system.launch("worker") for _ in range(1 + turn % 3)]
    for worker in workers:
        await worker.ready()
    await load.holds()


@pytest.mark.parametrize("turn", range(8))
async def test_nothing_is_lost_when_workers_come_and_go_as_they_like(
    make_system: MakeSystem, decider: Decider, tmp_path: Path, turn: int
) -> None:
    """A seeded sequence of joins, polite ends, kills and hangs, with either store."""
    rng = random.Random(turn)
    system = await make_system(commit_interval_seconds=rng.choice([0.1, 0.5, 3600.0]))
    load = Load.of(system, decider, seed=600 + turn, claims=6000)
    feeding = asyncio.create_task(load.feed_all(pause=0.2))
    alive: list[Worker] = []
    for number in range(12):
        deed = rng.choice(["join", "join", "stop", "kill", "hang"]) if alive else "join"
        if deed == "join" and len(alive) < 3:
            # A folder of its own: RocksDB is one process's.
            folder = {"CG_TRANS_03_DATA_DIR": str(tmp_path / str(number))} if turn % 2 else {}
            alive.append(system.launch("worker", **folder))
        elif deed == "stop":
            worker = alive.pop(rng.randrange(len(alive)))
            await system.until(lambda worker=worker: worker.port, "it has begun to run")
            assert await worker.stop() == 0, worker.tail()
        elif deed == "kill":
            await alive.pop(rng.randrange(len(alive))).kill()
        elif deed == "hang":
            worker = rng.choice(alive)
            worker.freeze()
            await asyncio.sleep(rng.choice([1, 6]))  # within its session, and past it
            worker.thaw()
        await asyncio.sleep(rng.uniform(0, 2))
    await feeding
    await system.start(CG_TRANS_03_COMMIT_INTERVAL_SECONDS="0.2")
    for worker in alive:
        await worker.stop()
    await load.holds()


@pytest.mark.parametrize("turn", range(10))
async def test_worker_ends_every_time_when_it_has_crashed(system: System, turn: int) -> None:
    worker = await system.start()
    await refuse_rows(system, 10)
    await system.histories(history(new_member()))
    assert await worker.ended() == 1
    system.workers.remove(worker)


async def test_worker_goes_on_when_the_whole_cluster_was_restarted(
    kafka: str, make_system: MakeSystem, decider: Decider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only with a broker of this run's own: no other can be restarted at will."""
    data = tmp_path_factory.getbasetemp() / "kafka0"
    if not (data / "broker.json").exists():
        pytest.skip("the broker is somebody else's")
    system = await make_system()
    load = Load.of(system, decider, seed=700, claims=2000)
    worker = await system.start()
    await load.feed_part(0, 0.5)
    await load.some_decided(50)
    stop(data)
    await asyncio.sleep(8)
    start(data, port=int(kafka.rpartition(":")[2]), die_with_parent=True)
    await load.feed_part(0.5, 1)
    if not worker.running:
        pytest.fail(f"the worker ended with {worker.process.returncode}\n{worker.tail()}")
    await load.holds()
    member = new_member()
    await system.claims(claim(member))
    await system.decided(member.claim_id)
