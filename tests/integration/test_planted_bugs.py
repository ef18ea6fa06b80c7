"""The oracle bites: take one safeguard out of the worker, and claims go missing.

Each bug has its counterpart without it, under the same circumstances, where nothing is lost.
"""

from typing import Any

import pytest

from stream_app.pipeline.decide import Decider
from tests.integration.conftest import MakeSystem
from tests.integration.events import claim, history, new_member
from tests.integration.harness import System, Worker
from tests.integration.load import Load
from tests.integration.oracle import expected_decision

PLANTED = "tests.integration.planted"


async def _plant(system: System, bugs: str) -> Worker:
    worker = system.launch(bugs, "worker", module=PLANTED)
    return await worker.ready()


@pytest.mark.both_scans
@pytest.mark.parametrize("bug", ["commit-position", "finish-early"])
async def test_claims_go_missing_when_commits_do_not_wait_for_the_work(
    system: System, decider: Decider, bug: str
) -> None:
    load = Load.of(system, decider, seed=31, claims=300)
    await load.feed_all()
    worker = await _plant(system, f"stuck-broker,{bug}")

    async def committed() -> bool:
        return bool(await system.committed(system.settings.scope_group))

    await system.until(committed, "what was read but not done is committed")
    await worker.kill()
    await system.start()
    await system.settled()
    assert any("claims not decided" in fault for fault in await load.faults())


async def test_nothing_goes_missing_when_only_the_broker_is_stuck(
    system: System, decider: Decider
) -> None:
    load = Load.of(system, decider, seed=31, claims=300)
    await load.feed_all()
    worker = await _plant(system, "stuck-broker")
    await system.until(lambda: worker.total("in_flight_bytes", hop="scope"), "it is at work")
    assert await system.committed(system.settings.scope_group) == {}
    await worker.kill()
    await system.start()
    await load.holds()


async def refuse_rows(system: System, limit: int) -> None:
    from confluent_kafka.admin import (
        AdminClient,
        AlterConfigOpType,
        ConfigEntry,
        ConfigResource,
        ResourceType,
    )

    entry = ConfigEntry(
        "max.message.bytes", str(limit), incremental_operation=AlterConfigOpType.SET
    )
    topic = f"{system.settings.adjudicate_group}-history-changelog"
    admin = AdminClient({"bootstrap.servers": system.settings.bootstrap_servers})
    for future in admin.incremental_alter_configs(
        [ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])]
    ).values():
        future.result()


async def test_worker_ends_with_1_and_commits_nothing_when_the_broker_refuses_a_row(
    system: System, decider: Decider
) -> None:
    s, member = system.settings, new_member()
    worker = await system.start()
    await refuse_rows(system, 10)
    await system.histories(record := history(member))
    assert await worker.ended() == 1
    assert await system.committed(s.adjudicate_group) == {}
    assert "the worker stopped after a failure" in worker.log
    system.workers.remove(worker)  # its end was the point
    await refuse_rows(system, s.max_message_bytes)
    await system.start()
    await system.settled()
    await system.claims(event := claim(member))
    (out,) = await system.decided(member.claim_id)
    right = expected_decision(decider, event, [record])
    assert right is not None
    assert out.event["decision_id"] == right.decision_id


async def test_worker_ends_with_1_when_it_crashes_before_work_that_is_done_is_committed(
    make_system: MakeSystem,
) -> None:
    """The consumer thread goes down with the crash: nobody is left to take the last commit."""
    system = await make_system(commit_interval_seconds=3600.0, shutdown_timeout_seconds=5.0)
    worker = await system.start()
    member = new_member()
    await system.claims(claim(member))
    await system.decided(member.claim_id)
    await refuse_rows(system, 10)
    await system.histories(history(member))
    assert await worker.ended() == 1
    system.workers.remove(worker)


async def test_history_goes_missing_when_a_refused_row_is_passed_over(
    system: System, decider: Decider
) -> None:
    s, member = system.settings, new_member()
    worker = await _plant(system, "forget-changelog")
    await refuse_rows(system, 10)
    await system.histories(record := history(member))
    await system.settled()
    await worker.kill()
    await refuse_rows(system, s.max_message_bytes)
    await system.start()
    await system.claims(event := claim(member))
    (out,) = await system.decided(member.claim_id)
    right = expected_decision(decider, event, [record])
    assert right is not None
    assert out.event["decision_id"] != right.decision_id


async def test_claims_go_missing_when_there_is_no_gate(
    make_system: MakeSystem, decider: Decider
) -> None:
    """Faust's own order, read before the seek, and a commit that covers the hole.

    With our ledger the hole holds the commit back, and the worker stands still instead: Faust takes
    a partition whose queue was full out of its fetch loop, and forgets it when it clears the queue.
    """
    system, load = await _with_rows_and_no_commit(make_system, decider)
    await _one_more_start(system, "slow-broker,busy-loop,no-gate,commit-position")
    assert any("claims not decided" in fault for fault in await load.faults())


async def test_nothing_goes_missing_when_there_is_a_gate(
    make_system: MakeSystem, decider: Decider
) -> None:
    system, load = await _with_rows_and_no_commit(make_system, decider)
    await _one_more_start(system, "slow-broker,busy-loop")
    assert [fault for fault in await load.faults() if "claims not decided" in fault] == []


async def _one_more_start(system: System, bugs: str) -> None:
    """Start the second hop with bugs, stop it once ready, and let a sound one end the work."""
    worker = system.launch(bugs, "worker", "--role", "adjudicate", module=PLANTED)
    # The health port would not do: without a gate nobody knows that it is open.
    await system.until(lambda: "Worker ready" in worker.log, "the rebalance is over")
    assert await worker.stop() == 0
    await system.start("adjudicate")
    await system.settled()


async def _with_rows_and_no_commit(
    make_system: MakeSystem, decider: Decider
) -> tuple[System, Load]:
    """The second hop has begun with some claims and was killed; the rest of them is waiting."""
    system = await make_system()
    load = Load.of(system, decider, seed=33, claims=1500)
    await system.start("scope")
    await load.feed_part(0, 0.3)
    await system.settled("scope")
    never: Any = {"CG_TRANS_03_COMMIT_INTERVAL_SECONDS": "3600"}
    adjudicate = await system.start("adjudicate", **never)
    await load.some_decided(30)
    await adjudicate.kill()
    assert await system.committed(system.settings.adjudicate_group) == {}
    await load.feed_part(0.3, 1)
    await system.settled("scope")
    return system, load
