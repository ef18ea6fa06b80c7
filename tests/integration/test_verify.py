"""`cg-trans-03 verify` on a real Kafka: decisions redone from their records."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from tests.integration.events import Member, claim, history, instant, new_member
from tests.integration.harness import Out, System

in_module = pytest.mark.asyncio(loop_scope="module")


async def redo(
    system: System, folder: Path, *outs: Out | dict[str, Any], **env: str
) -> tuple[int, list[dict[str, Any]]]:
    """Exit code, and what is said of each decision."""
    events = [out.event if isinstance(out, Out) else out for out in outs]
    file = folder / "decisions.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    run = system.launch("verify", str(file), "--json", **env)
    code = await asyncio.to_thread(run.process.wait)
    system.workers.remove(run)
    assert code in (0, 3), run.log
    for event in events:
        assert event["member_id"] not in run.log
        assert event["claim_id"] not in run.log
    return code, run.lines


async def lived_through(system: System, member: Member) -> list[Out]:
    """Decisions of a claim whose history was none, then wrong, then right."""
    await system.claims(claim(member))
    await system.decided(member.claim_id)
    wrong = {"medically_necessary": False}
    await system.histories(history(member, occurred_at=instant(10), transplant=wrong))
    await system.decided(member.claim_id, 2)
    await system.histories(history(member, occurred_at=instant(20)))
    return await system.decided(member.claim_id, 3)


def whats(said: dict[str, Any]) -> set[str]:
    return {difference["what"] for difference in said["differences"]}


@in_module
async def test_each_decision_is_the_same_when_redone_by_what_was_known_then(
    shared: System, tmp_path: Path
) -> None:
    outs = await lived_through(shared, new_member())
    assert [out.event["decision"] for out in outs] == ["pend", "deny", "approve"]
    code, said = await redo(shared, tmp_path, *outs)
    assert code == 0, said
    assert [each["decision_id"] for each in said] == [out.event["decision_id"] for out in outs]
    assert all(each["same"] for each in said)
    # By the history as it is now, the first two would be what the last is.
    late = [out.event | {"evaluated_at": outs[2].event["evaluated_at"]} for out in outs]
    code, said = await redo(shared, tmp_path, *late)
    assert code == 0
    assert [each["without_ms"] > 0 for each in said] == [True, True, False]


@in_module
async def test_decision_differs_when_the_configuration_is_another(
    shared: System, tmp_path: Path
) -> None:
    member = new_member()
    event = claim(member)
    del event["service_lines"][0]["donor_id"]
    await shared.histories(history(member))
    await shared.settled()
    await shared.claims(event)
    (out,) = await shared.decided(member.claim_id)
    code, (said,) = await redo(shared, tmp_path, out, CG_TRANS_03_MISSING_DONOR="presume_same")
    assert (code, said["now"]["decision"]) == (3, "approve")
    assert whats(said) == {"outcome", "line", "reasons"}


@in_module
async def test_decision_differs_when_somebody_has_touched_its_record(
    shared: System, tmp_path: Path
) -> None:
    member, other = new_member(), new_member()
    await shared.histories(history(member))
    await shared.settled()
    (place,) = await shared.claims(claim(other))
    await shared.claims(claim(member))
    (out,) = await shared.decided(member.claim_id)
    await shared.decided(other.claim_id)
    outcome = out.event | {"decision": "deny", "decision_id": out.event["decision_id"][:-1] + "x"}
    elsewhere = out.event | {"source": place._asdict()}
    nowhere = out.event | {"source": {"topic": "no-such-topic", "partition": 0, "offset": 0}}
    code, said = await redo(shared, tmp_path, out, outcome, elsewhere, nowhere)
    assert code == 3
    assert [each["same"] for each in said] == [True, False, False, False]
    assert "outcome" in whats(said[1])
    assert whats(said[2]) == whats(said[3]) == {"claim"}


@in_module
async def test_decision_cannot_be_redone_when_the_member_was_erased(
    shared: System, tmp_path: Path
) -> None:
    member = new_member()
    outs = await lived_through(shared, member)
    await shared.feed(shared.settings.history_in_topic, [(member.member_id.encode(), None)])
    await shared.settled()
    code, said = await redo(shared, tmp_path, *outs)
    assert code == 3
    assert [each["same"] for each in said] == [True, False, False], "the first knew of none"
    assert all("history" in whats(each) for each in said[1:])


async def test_decision_is_redone_from_the_copy_in_scope_when_retention_took_the_claim(
    system: System, tmp_path: Path
) -> None:
    member = new_member()
    await system.start()
    (place,) = await system.claims(claim(member))
    (out,) = await system.decided(member.claim_id)
    await system.settled()
    await delete_before(system, place.topic, place.partition, place.offset + 1)
    code, (said,) = await redo(system, tmp_path, out)
    assert (code, said["same"]) == (0, True)
    in_scope, partitions = system.settings.in_scope_topic, system.settings.partitions
    for partition in range(partitions):
        await delete_before(system, in_scope, partition, -1)
    code, (said,) = await redo(system, tmp_path, out)
    assert (code, whats(said)) == (3, {"claim"})


async def delete_before(system: System, topic: str, partition: int, offset: int) -> None:
    """As retention does it; -1 is the end."""
    async with system._admin() as admin:
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(offset)})
