"""History that comes after its claims: what is decided again, what is only reported."""

from typing import Any

import orjson
import pytest

from stream_app.domain.decision import Outcome
from stream_app.pipeline.decide import Decider
from stream_app.synthetic.population import Stream
from stream_app.worker.outbox import partition_of_member
from stream_app.worker.scope_app import history_key
from tests.contract.contracts import DRIFT, fits
from tests.integration.conftest import MakeSystem
from tests.integration.events import TRACEPARENT, Member, claim, history, instant, new_member
from tests.integration.harness import Out, System
from tests.integration.load import Load
from tests.integration.oracle import expected_decision, expected_event

in_module = pytest.mark.asyncio(loop_scope="module")


async def drift_of(system: System, member: Member, count: int = 1) -> list[Out]:
    async def enough() -> list[Out] | None:
        found = await system.read(system.settings.history_drift_topic)
        found = [out for out in found if out.record.key == member.claim_id.encode()]
        return found if len(found) >= count else None

    outs: list[Out] = await system.until(enough, f"{count} drift event(s) of a claim are there")
    return sorted(outs, key=lambda out: out.record.offset)


async def erase(system: System, member: Member) -> None:
    await system.feed(system.settings.history_in_topic, [(member.member_id.encode(), None)])


@in_module
async def test_decision_is_superseded_each_time_that_history_changes_it(
    shared: System, decider: Decider
) -> None:
    member = new_member()
    event = claim(member)
    wrong = history(member, occurred_at=instant(10), transplant={"medically_necessary": False})
    right = history(member, occurred_at=instant(20))
    (sent,) = await shared.claims(event, headers=[("traceparent", TRACEPARENT)])
    await shared.decided(member.claim_id)
    await shared.histories(wrong)
    await shared.decided(member.claim_id, 2)
    await shared.histories(right)
    outs = await shared.decided(member.claim_id, 3)
    assert [out.event["decision"] for out in outs] == ["pend", "deny", "approve"]
    assert [out.event["trigger"] for out in outs] == ["claim", "history-update", "history-update"]
    assert [out.event["supersedes"] for out in outs] == [
        None,
        outs[0].event["decision_id"],
        outs[1].event["decision_id"],
    ]
    causes = [out.headers.get("ce_causationid") for out in outs]
    assert causes == [None, wrong["event_id"].encode(), right["event_id"].encode()]
    for out, known in zip(outs, ([], [wrong], [right]), strict=True):
        expected = expected_event(decider, event, known, out)
        assert out.event == expected | {"trigger": out.event["trigger"]}
        assert out.event["source"] == sent._asdict()
        assert out.headers["traceparent"] == TRACEPARENT


@in_module
async def test_approval_stands_and_is_reported_when_history_takes_its_ground_away(
    shared: System, decider: Decider
) -> None:
    member = new_member()
    event = claim(member)
    record = history(member, occurred_at=instant(10))
    gone = history(member, occurred_at=instant(20), operation="retract")
    back = history(member, occurred_at=instant(30))
    await shared.histories(record)
    await shared.settled()
    await shared.claims(event)
    (approval,) = await shared.decided(member.claim_id)
    await shared.histories(gone)
    (lost,) = await drift_of(shared, member)
    await shared.histories(gone, record)
    await shared.claims(event)
    await shared.settled()
    await shared.histories(back)
    again, over = await drift_of(shared, member, 2)
    assert again == lost, "nothing is reported twice"
    assert len(await shared.decisions_of(member.claim_id)) == 1
    for out, known, outcome in ((lost, [], "pend"), (over, [back], "approve")):
        assert fits(DRIFT, out.event)
        assert out.event["standing"]["decision_id"] == approval.event["decision_id"]
        fresh = expected_decision(decider, event, known)
        assert fresh is not None
        assert out.event["fresh"]["decision_id"] == fresh.decision_id
        assert out.event["fresh"]["decision"] == outcome
    assert lost.headers["ce_type"] == b"cg-trans-03.history-drift.v1"
    assert lost.headers["ce_causationid"] == gone["event_id"].encode()


@in_module
async def test_denial_pends_when_the_member_is_erased(shared: System, decider: Decider) -> None:
    member = new_member()
    event = claim(member)
    await shared.histories(history(member, transplant={"type": "autologous"}))
    await shared.settled()
    await shared.claims(event)
    (denial,) = await shared.decided(member.claim_id)
    await erase(shared, member)
    _, pend = await shared.decided(member.claim_id, 2)
    assert denial.event["decision"] == "deny"
    expected = expected_decision(decider, event)
    assert expected is not None
    assert pend.event["decision_id"] == expected.decision_id
    assert pend.event["supersedes"] == denial.event["decision_id"]
    assert "ce_causationid" not in pend.headers


@in_module
async def test_void_claim_is_not_decided_again_when_history_comes(shared: System) -> None:
    member, other = new_member(), new_member()
    void = claim(member, claim_version=2, claim_frequency_code="8")
    await shared.claims(claim(member), void, claim(other, member_id=member.member_id))
    await shared.decided(member.claim_id)
    await shared.decided(other.claim_id)
    await shared.settled()
    await shared.histories(history(member))
    await shared.decided(other.claim_id, 2)
    assert len(await shared.decisions_of(member.claim_id)) == 1


async def test_history_of_one_batch_is_told_once_when_it_ends_as_it_began(
    system: System,
) -> None:
    """Ten events wait when the worker starts: it reads them in one batch and decides once."""
    member = new_member()
    worker = await system.start()
    await system.claims(claim(member))
    await system.decided(member.claim_id)
    assert await worker.stop() == 0
    partition = partition_of_member(member.member_id, system.settings.partitions)
    producer = await system.producer()
    events = [
        history(member, occurred_at=instant(n), transplant={"medically_necessary": n % 2 == 1})
        for n in range(10)
    ]
    for event in events:
        await producer.send_and_wait(
            system.settings.history_topic,
            orjson.dumps(event),
            key=history_key(member.member_id, member.transplant_id, event["event_id"]),
            partition=partition,
        )
    await system.start("adjudicate")
    _, told = await system.decided(member.claim_id, 2)
    await system.settled()
    assert len(await system.decisions_of(member.claim_id)) == 2
    assert told.event["decision"] == "approve"
    assert told.headers["ce_causationid"] == events[-1]["event_id"].encode()


async def test_everything_goes_to_the_shadow_topic_when_in_shadow_mode(
    make_system: MakeSystem,
) -> None:
    system = await make_system(shadow=True)
    worker = await system.start()
    member = new_member()
    await system.histories(history(member, occurred_at=instant(10)))
    await system.settled()
    await system.claims(claim(member))
    await system.settled()
    await system.histories(history(member, occurred_at=instant(20), operation="retract"))
    await system.settled()
    s = system.settings
    shadow = sorted(await system.read(s.shadow_topic), key=lambda out: out.record.offset)
    assert [out.headers["ce_type"] for out in shadow] == [
        b"cg-trans-03.decision.approve.v1",
        b"cg-trans-03.history-drift.v1",
    ]
    assert await system.read(s.approve_topic, s.deny_topic, s.pend_topic) == []
    assert await system.read(s.history_drift_topic) == []
    assert worker.total("decisions_total", decision="approve") == 1
    assert worker.total("history_drift_total", decision="pend") == 1


@pytest.mark.both_scans
@pytest.mark.parametrize("claims_first", [True, False])
async def test_last_word_on_every_claim_is_as_foretold_when_all_has_arrived_and_workers_died(
    make_system: MakeSystem, decider: Decider, *, claims_first: bool
) -> None:
    """The invariant on a real broker: `Truth.standing` is the decision once all has arrived."""
    system = await make_system()
    load = Load.of(system, decider, seed=21, claims=1200)
    worker = await system.start()
    if claims_first:
        await load.feed_claims()
        await load.some_decided(50)
    else:
        await load.feed_all()
    await worker.kill()
    await system.start()
    if claims_first:
        await load._feed(load.of_stream(Stream.HISTORY), 0.0)
        await load.some_decided(150)
        await system.workers[-1].kill()
        await system.start()
    await system.settled()
    drift = await system.read(system.settings.history_drift_topic)
    faults = faults_of_last_words(load, await system.decisions(), drift)
    assert not faults, faults[:5]


def faults_of_last_words(load: Load, decisions: list[Out], drift: list[Out]) -> list[str]:
    """Claims whose last decision is not the foretold one, nor an approval with that drift."""
    faults = []
    last: dict[str, dict[str, Any]] = {}
    for out in sorted(decisions, key=_told):
        event = out.event
        rival = last.get(event["claim_id"])
        if rival is None or event["claim_version"] >= rival["claim_version"]:
            last[event["claim_id"]] = event
    drifted = {out.event["claim_id"]: out.event["fresh"] for out in sorted(drift, key=_told)}
    for claim_id, scenario in load.truth.standing.items():
        if scenario.outcome is None:
            continue
        foretold = (scenario.outcome.value, scenario.reasons)
        said = last.get(claim_id)
        if said is not None and _outcome(said) == foretold:
            continue
        protected = said is not None and said["decision"] == Outcome.APPROVE
        if not (protected and claim_id in drifted and _outcome(drifted[claim_id]) == foretold):
            found = None if said is None else _outcome(said)
            faults.append(f"{scenario.name}: {found} in place of {foretold}")
    return faults


def _told(out: Out) -> tuple[str, int]:
    return out.event["evaluated_at"], out.record.offset


def _outcome(event: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    codes = tuple(reason["code"] for line in event["lines"] for reason in line["reasons"])
    return event["decision"], codes
