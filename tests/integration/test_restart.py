"""A worker that ends, politely or not, and the one that goes on after it."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from stream_app.pipeline.decide import Decider
from tests.integration.conftest import MakeSystem
from tests.integration.events import claim, history, new_member
from tests.integration.harness import Out, System
from tests.integration.load import Load
from tests.integration.oracle import expected_decision, expected_event, source_of

NEVER = 3600.0


@pytest.fixture(params=["memory", "rocksdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Settings for where the tables lie."""
    return {"data_dir": tmp_path / "data"} if request.param == "rocksdb" else {}


@pytest.mark.both_scans
async def test_everything_done_is_committed_when_stopped_under_load(
    system: System, decider: Decider
) -> None:
    load = Load.of(system, decider, seed=11, claims=4000)
    worker = await system.start()
    await load.feed_histories()
    feeding = asyncio.create_task(load.feed_claims(pause=0.02))
    await load.some_decided(100)
    assert await worker.stop() == 0, worker.tail()
    s = system.settings
    scoped, adjudicated = (
        await system.committed(s.scope_group),
        await system.committed(s.adjudicate_group),
    )
    decided = {source_of(out) for out in await system.decisions()}
    for source in decided:
        assert source.offset < scoped[source.topic, source.partition]
    for copy in await system.read(s.in_scope_topic):
        topic, partition, offset = copy.headers["cg_trans_03.source"].decode().rsplit(":", 2)
        if (topic, int(partition), int(offset)) in decided:
            assert copy.record.offset < adjudicated[copy.topic, copy.record.partition]
    await feeding
    await system.start()
    await load.holds()
    assert await load.decided_twice() == 0, "a polite stop leaves nothing to do again"


async def test_nothing_is_lost_when_killed_under_load(
    make_system: MakeSystem, store: dict[str, Any], decider: Decider
) -> None:
    system = await make_system(**store)
    load = Load.of(system, decider, seed=12, claims=5000)
    worker = await system.start()
    await load.feed_histories()
    feeding = asyncio.create_task(load.feed_claims(pause=0.05))
    for count in (50, 250, 500):
        await load.some_decided(count)
        await worker.kill()
        worker = await system.start()
    await feeding
    await load.holds()


@pytest.mark.both_scans
async def test_nothing_is_lost_when_killed_with_no_commit_yet(
    make_system: MakeSystem, decider: Decider
) -> None:
    """The changelogs hold rows, the groups hold no offset: the start that loses claims in Faust."""
    system = await make_system(commit_interval_seconds=NEVER)
    load = Load.of(system, decider, seed=13, claims=2000)
    await load.feed_all()
    for count in (20, 60, 120):
        worker = await system.start()
        await load.some_decided(count)
        await worker.kill()
        assert await system.committed(system.settings.scope_group) == {}
        assert await system.committed(system.settings.adjudicate_group) == {}
    await system.start(CG_TRANS_03_COMMIT_INTERVAL_SECONDS="0.2")
    await load.holds()


async def test_nothing_is_lost_when_killed_at_any_moment(
    make_system: MakeSystem, decider: Decider
) -> None:
    """While it starts, joins, recovers, reads, sends or commits: wherever it happens to be.

    The short form of `make chaos`.
    """
    rng = random.Random(14)
    system = await make_system(session_timeout_seconds=2.0, commit_interval_seconds=0.05)
    load = Load.of(system, decider, seed=14, claims=2500)
    feeding = asyncio.create_task(load.feed_all(pause=0.1))
    for until_ready in (False, True, True, True, True):
        worker = system.launch("worker")
        if until_ready:
            await worker.ready()
        await asyncio.sleep(rng.uniform(0, 1.5))
        await worker.kill()
    await feeding
    await system.start()
    await load.holds()


async def test_history_is_known_again_when_the_worker_is_another(
    make_system: MakeSystem, store: dict[str, Any], decider: Decider
) -> None:
    """From the changelog, or from RocksDB and what the changelog has beyond it."""
    system = await make_system(**store)
    members = [new_member() for _ in range(12)]
    records = {member: history(member) for member in members}
    worker = await system.start()
    await system.histories(*(records[member] for member in members[:8]))
    await system.settled()
    await worker.kill()
    worker = await system.start()
    await system.histories(*(records[member] for member in members[8:]))
    await system.settled()
    assert await worker.stop() == 0
    await system.start()
    for member in members:
        event = claim(member)
        await system.claims(event)
        (out,) = await system.decided(member.claim_id)
        assert out.event == expected_event(decider, event, [records[member]], out)


async def test_history_is_known_again_when_the_data_folder_is_gone(
    make_system: MakeSystem, tmp_path: Path, decider: Decider
) -> None:
    system = await make_system(data_dir=tmp_path / "data")
    member = new_member()
    worker = await system.start()
    await system.histories(record := history(member))
    await system.settled()
    assert await worker.stop() == 0
    await system.start(CG_TRANS_03_DATA_DIR=str(tmp_path / "another"))
    await system.claims(event := claim(member))
    (out,) = await system.decided(member.claim_id)
    assert out.event == expected_event(decider, event, [record], out)


async def test_worker_ends_with_0_when_told_to_stop_before_it_is_ready(system: System) -> None:
    worker = system.launch("worker")
    await system.until(lambda: worker.port, "the health port is named")
    assert await worker.stop() == 0, worker.tail()


async def test_only_the_role_asked_for_runs_when_roles_are_apart(
    system: System, decider: Decider
) -> None:
    scope = await system.start("scope")
    member = new_member()
    await system.histories(record := history(member))
    await system.claims(event := claim(member))

    async def forwarded() -> bool:
        return len(await system.read(system.settings.in_scope_topic)) == 1

    await system.until(forwarded, "the claim is forwarded")
    assert await system.committed(system.settings.adjudicate_group) == {}
    adjudicate = await system.start("adjudicate")

    async def last_word() -> list[Out]:
        # Which of the two came first is open; either way the history has its say.
        outs = await system.decisions_of(member.claim_id)
        return [out for out in outs if out.event["decision"] == "approve"]

    (out,) = await system.until(last_word, "the claim is decided on its history")
    right = expected_decision(decider, event, [record])
    assert right is not None
    assert out.event["decision_id"] == right.decision_id
    assert await scope.stop() == 0
    assert await adjudicate.stop() == 0
