"""Claims that are handed back to their owner: what it decides anew, and what it leaves alone."""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import orjson
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from stream_app.domain.decision import Outcome
from stream_app.pipeline.handover import HEADER
from stream_app.replay.compared import Cause, Compared, ComparedDecision, ComparedLine
from stream_app.replay.emit import HandOver
from stream_app.replay.job_file import NAME
from stream_app.worker.outbox import partition_of_member
from tests.contract.contracts import DECISION, DRIFT, fits
from tests.integration.events import TRACEPARENT, Member, claim, history, new_member
from tests.integration.harness import Out, System, Worker, eventually

REPLAY_ID = "8a0f3a9e-6d0b-4a53-9a54-0d6c4a1d7e21"
PRESUMING = {"CG_TRANS_03_MISSING_DONOR": "presume_same"}


def without_donor(member: Member, **fields: object) -> dict[str, object]:
    """Pends by default, for nobody knows whose lymphocytes they were."""
    event = claim(member, **fields)
    del event["service_lines"][0]["donor_id"]
    return event


def read_back(out: Out) -> ComparedDecision:
    """A decision as a replay reads it."""
    event = out.event
    return ComparedDecision(
        event["decision_id"],
        Outcome(event["decision"]),
        event["claim_version"],
        tuple(
            ComparedLine(
                line["line_number"],
                line["procedure_code"],
                Outcome(line["decision"]),
                line["policy_version"],
                tuple(reason["code"] for reason in line["reasons"]),
            )
            for line in event["lines"]
        ),
        event["evaluated_at"],
    )


async def hand_over(system: System, *members: Member, version: int = 1) -> None:
    """As a job does it that found these claims otherwise."""
    copies = await system.read(system.settings.in_scope_topic)
    async with HandOver(system.settings, REPLAY_ID) as handing:
        for member in members:
            (original, *_) = [
                out
                for out in copies
                if out.event["claim_id"] == member.claim_id
                and out.event.get("claim_version", 1) == version
            ]
            topic, partition, offset = original.headers["cg_trans_03.source"].split(b":")
            decisions = await system.decisions_of(member.claim_id)
            before = read_back(decisions[-1]) if decisions else None
            found = Compared(
                member.claim_id,
                version,
                member.member_id,
                None,
                "2025-01",
                topic.decode(),
                int(partition),
                int(offset),
                before,
                before,
                Cause.POLICY,
            )
            assert await handing.send(found, original.record)
        assert await handing.acknowledged() == len(members)


async def told_of(system: System, member: Member, topic: str) -> list[dict[str, object]]:
    outs = [o for o in await system.read(topic) if o.record.key == member.claim_id.encode()]
    return [out.event for out in sorted(outs, key=lambda out: out.record.offset)]


async def test_past_is_decided_again_by_its_owner_when_a_setting_has_changed(
    system: System,
) -> None:
    pends, approved, early = new_member(), new_member(), new_member()
    worker = await system.start()
    await system.histories(history(pends), history(approved), history(early))
    await system.settled()
    (place, *_) = await system.claims(
        without_donor(pends), claim(approved), headers=[("traceparent", TRACEPARENT), ("x", b"1")]
    )
    (pend,) = await system.decided(pends.claim_id)
    await system.decided(approved.claim_id)
    assert await worker.stop() == 0

    worker = await system.start(**PRESUMING)
    await system.claims(without_donor(early))
    (approval,) = await system.decided(early.claim_id)
    await hand_over(system, pends, approved)
    _, again = await system.decided(pends.claim_id, 2)
    assert fits(DECISION, again.event)
    assert again.event["decision"] == "approve"
    assert (again.event["trigger"], again.event["replay_id"]) == ("replay", REPLAY_ID)
    assert again.event["supersedes"] == pend.event["decision_id"]
    assert again.event["source"] == place._asdict()
    assert again.headers["traceparent"] == TRACEPARENT
    counted = worker.metrics()["decisions_total"]
    assert counted[("decision", "approve"), ("trigger", "replay")] == 1
    await hand_over(system, pends, approved, early)
    await system.settled()
    assert len(await system.decisions()) == 4
    assert await worker.stop() == 0

    await system.start()
    for _ in range(2):
        await hand_over(system, pends, approved, early)
        await system.settled()
    assert len(await system.decisions()) == 4, "an approval is not taken back"
    for member, stands in ((pends, again), (early, approval)):
        (drift,) = await told_of(system, member, system.settings.history_drift_topic)
        assert fits(DRIFT, drift)
        assert (drift["trigger"], drift["replay_id"]) == ("replay", REPLAY_ID)
        assert drift["standing"]["decision_id"] == stands.event["decision_id"]
        assert drift["fresh"]["decision"] == "pend"
    assert not await told_of(system, approved, system.settings.history_drift_topic)
    assert not await system.dead_letters()


async def test_copy_is_the_original_but_for_one_header_when_it_is_handed_over_again(
    system: System,
) -> None:
    member = new_member()
    event = orjson.dumps(claim(member), option=orjson.OPT_INDENT_2)
    forged = [("x", b"1"), (HEADER, b"{}"), ("cg_trans_03.source", b"no place")]
    worker = await system.start()
    (place,) = await system.claims(event, headers=forged)
    await system.decided(member.claim_id)
    await hand_over(system, member)
    await hand_over(system, member)
    first, *copies = [out.record for out in await system.read(system.settings.in_scope_topic)]
    source = ("cg_trans_03.source", f"{place.topic}:{place.partition}:{place.offset}".encode())
    assert first.headers == (("x", b"1"), source)
    assert len(copies) == 2
    owner = partition_of_member(member.member_id, system.settings.partitions)
    for copy in copies:
        assert (copy.key, copy.value) == (member.member_id.encode(), event)
        assert (copy.partition, copy.timestamp) == (owner, first.timestamp)
        *kept, (name, _) = copy.headers
        assert (tuple(kept), name) == (first.headers, HEADER)
    await system.settled()
    assert len(await system.decisions()) == 1
    assert not await system.dead_letters()
    assert await worker.stop() == 0


async def test_claims_are_decided_when_they_were_handed_over_while_the_worker_was_down(
    system: System,
) -> None:
    members = [new_member() for _ in range(20)]
    worker = await system.start()
    await system.histories(*map(history, members))
    await system.settled()
    await system.claims(*map(without_donor, members))
    await system.settled()
    await worker.kill()
    await hand_over(system, *members)
    await hand_over(system, *members)
    worker = await system.start(**PRESUMING)
    await system.settled()
    for member in members:
        first, again = await system.decisions_of(member.claim_id)
        assert (first.event["decision"], again.event["decision"]) == ("pend", "approve")
        assert again.event["supersedes"] == first.event["decision_id"]
    assert await worker.stop() == 0


async def test_live_claims_are_not_disturbed_when_the_past_is_handed_over(system: System) -> None:
    """A job hands over what it read some time ago; the platform has gone on since."""
    replaced, voided, steady = new_member(), new_member(), new_member()
    worker = await system.start()
    await system.histories(history(replaced), history(voided), history(steady))
    await system.settled()
    await system.claims(*map(without_donor, (replaced, voided, steady)))
    await system.settled()
    assert await worker.stop() == 0
    worker = await system.start("scope")
    await system.claims(
        claim(replaced, claim_version=2), claim(voided, claim_version=2, claim_frequency_code="8")
    )
    await system.settled("scope")
    await hand_over(system, replaced, voided, steady)
    await system.claims(without_donor(steady, event_id="live", occurred_at="2025-03-01T09:00:00Z"))
    assert await worker.stop() == 0

    worker = await system.start(**PRESUMING)
    await system.settled()
    *_, last = await system.decisions_of(replaced.claim_id)
    assert (last.event["claim_version"], last.event["trigger"]) == (2, "claim")
    assert len(await system.decisions_of(voided.claim_id)) == 1
    _, again = await system.decisions_of(steady.claim_id)
    assert again.event["trigger"] == "replay"
    assert worker.total("claims_without_decision_total", why="older") == 2
    assert worker.total("claims_without_decision_total", why="redelivered") == 1
    assert await worker.stop() == 0


async def test_claim_is_filed_when_what_hands_it_over_cannot_be_read(system: System) -> None:
    member, other = new_member(), new_member()
    worker = await system.start()
    await system.claims(claim(member))
    await system.decided(member.claim_id)
    (copy,) = await system.read(system.settings.in_scope_topic)
    for value in (b"", b'{"replay_id":"made up","standing":null}'):
        await system.feed(
            system.settings.in_scope_topic,
            [(copy.record.key, copy.record.value)],
            headers=[*copy.record.headers, (HEADER, value)],
        )
    await system.claims(claim(other))
    await system.decided(other.claim_id)

    async def filed() -> bool:
        return len(await system.dead_letters()) == 2

    await system.until(filed, "both copies are filed")
    for letter in await system.dead_letters():
        assert letter.headers["cg_trans_03.reason"] == b"SCHEMA_VIOLATION"
        assert letter.headers["cg_trans_03.where"] == b"header cg_trans_03.replay"
        assert letter.record.value == copy.record.value
    assert len(await system.decisions_of(member.claim_id)) == 1
    assert await worker.stop() == 0


async def ended(system: System, replay: Worker) -> int:
    await eventually(lambda: not replay.running, "the replay ends", or_else=replay.tail)
    system.workers.remove(replay)
    return replay.process.wait()


async def copies(system: System) -> list[Out]:
    """What was handed over so far."""
    outs = await system.read(system.settings.in_scope_topic)
    return [out for out in outs if HEADER in out.headers]


async def test_second_job_finds_nothing_when_the_first_has_handed_over(
    system: System, tmp_path: Path
) -> None:
    pending, approved = [new_member() for _ in range(12)], [new_member() for _ in range(5)]
    worker = await system.start()
    await system.histories(*map(history, [*pending, *approved]))
    await system.settled()
    await system.claims(*map(without_donor, pending), *map(claim, approved))
    await system.settled()
    assert await worker.stop() == 0
    worker = await system.start(**PRESUMING)

    job = str(tmp_path / "job")
    dry = system.launch("replay", "--job", job, **PRESUMING)
    assert await ended(system, dry) == 3, dry.log
    assert not await copies(system), "a dry run sends nothing"
    emitting = system.launch("replay", "--job", job, "--emit", **PRESUMING)
    assert await ended(system, emitting) == 3, emitting.log
    await system.settled()
    replay_ids = set()
    for member in pending:
        first, again = await system.decisions_of(member.claim_id)
        assert (first.event["decision"], again.event["decision"]) == ("pend", "approve")
        assert again.event["supersedes"] == first.event["decision_id"]
        replay_ids.add(again.event["replay_id"])
    assert len(replay_ids) == 1
    assert None not in replay_ids
    handed_over = len(await copies(system))
    assert handed_over == len(pending)

    second = system.launch("replay", "--job", str(tmp_path / "second"), "--emit", **PRESUMING)
    assert await ended(system, second) == 0, second.log
    same = system.launch("replay", "--job", job, "--emit", **PRESUMING)
    await ended(system, same)
    assert len(await copies(system)) == handed_over
    assert len(await system.decisions()) == 2 * len(pending) + len(approved)
    assert await worker.stop() == 0


async def test_nothing_is_decided_twice_when_the_job_is_killed_while_it_hands_over(
    system: System, tmp_path: Path
) -> None:
    members = [new_member() for _ in range(40)]
    worker = await system.start()
    await system.histories(*map(history, members))
    await system.settled()
    await system.claims(*map(without_donor, members))
    await system.settled()
    assert await worker.stop() == 0
    worker = await system.start(**PRESUMING)
    command = ("replay", "--emit", "--job", str(tmp_path / "job"))

    slow = system.launch(*command, "--rate", "10", **PRESUMING)
    await system.until(lambda: copies(system), "some are handed over")
    await slow.kill()
    system.workers.remove(slow)
    assert 0 < len(await copies(system)) < len(members)
    # As if it had been killed a moment sooner: acknowledged, and not yet booked.
    with closing(sqlite3.connect(tmp_path / "job" / NAME)) as job, job:
        job.execute("UPDATE compared SET handed_over = 0")
    live = new_member()
    await system.claims(claim(live))
    again = system.launch(*command, **PRESUMING)
    assert await ended(system, again) == 3, again.log
    await system.settled()
    assert len(await copies(system)) > len(members), "what was not booked is handed over again"
    told = Counter(out.record.key for out in await system.decisions())
    assert told == Counter({live.claim_id.encode(): 1}) + Counter(
        {member.claim_id.encode(): 2 for member in members}
    )
    assert await worker.stop() == 0


async def test_claims_are_left_alone_when_their_decisions_may_have_been_deleted(
    system: System, tmp_path: Path
) -> None:
    """Their owner, had it forgotten them as well, might deny what was approved."""
    old, young = new_member(), new_member()
    topic = system.settings.approve_topic
    worker = await system.start()
    await system.histories(history(old), history(young))
    await system.settled()
    await system.claims(claim(old))
    (out,) = await system.decided(old.claim_id)
    async with system._admin() as admin:
        gone = {TopicPartition(topic, out.record.partition): RecordsToDelete(-1)}
        await admin.delete_records(gone)
    await system.claims(without_donor(young))
    await system.decided(young.claim_id)
    job = system.launch("replay", "--job", str(tmp_path / "job"), "--emit")
    assert await ended(system, job) == 3
    assert "1 claims without a decision are not handed over" in job.log
    assert not await copies(system)
    assert await worker.stop() == 0


async def test_approvals_go_to_a_person_when_a_new_policy_would_not_give_them(
    system: System, repo: Path, tmp_path: Path
) -> None:
    """The version loses the range that these claims were approved by."""
    policies = tmp_path / "policies"
    shutil.copytree(repo / "stream_app/policy/cg_trans_03", policies)
    version = policies / "2024-10-01.yaml"
    text = version.read_text(encoding="utf-8")
    lost = '  - first: "C92.00"\n    last: "C92.92"\n'
    assert lost in text
    version.write_text(text.replace(lost, lost.replace("C92.00", "C92.10")), encoding="utf-8")
    changed = {"CG_TRANS_03_POLICY_DIR": str(policies)}
    approved, pending = [new_member() for _ in range(5)], new_member()
    worker = await system.start()
    await system.histories(*map(history, approved))
    await system.settled()
    await system.claims(*map(claim, approved), claim(pending))
    await system.settled()
    assert await worker.stop() == 0
    worker = await system.start(**changed)
    for number in (1, 2):
        job = str(tmp_path / f"job-{number}")
        emitting = system.launch("replay", "--emit", "--job", job, **changed)
        assert await ended(system, emitting) == 3, emitting.log
        await system.settled()
        drifts = await system.read(system.settings.history_drift_topic)
        assert {out.record.key for out in drifts} == {m.claim_id.encode() for m in approved}
        assert len(drifts) == len(approved), "nothing is reported twice"
        assert {out.event["trigger"] for out in drifts} == {"replay"}
        codes = {r["code"] for out in drifts for r in out.event["fresh"]["lines"][0]["reasons"]}
        assert codes == {"DIAGNOSIS_OUTSIDE_LISTED_RANGE"}
    _, again = await system.decisions_of(pending.claim_id)
    assert again.event["lines"][0]["reasons"][0]["code"] == "DIAGNOSIS_OUTSIDE_LISTED_RANGE"
    assert len(await system.decisions()) == len(approved) + 2
    assert await worker.stop() == 0
