"""Claims in, decisions out: one worker, both hops, a member of its own for every test."""

from pathlib import Path

import jsonschema
import orjson
import pytest

from stream_app.pipeline.decide import Decider
from stream_app.worker.outbox import partition_of_member
from tests.integration.events import TRACEPARENT, claim, history, instant, new_member
from tests.integration.harness import System
from tests.integration.oracle import expected_decision, expected_event

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.both_scans]


async def test_claim_is_approved_when_history_came_before(shared: System, decider: Decider) -> None:
    member = new_member()
    event, record = claim(member), history(member)
    await shared.histories(record)
    await shared.settled()
    (sent,) = await shared.claims(event)
    (out,) = await shared.decided(member.claim_id)
    assert out.topic == shared.settings.approve_topic
    assert out.event == expected_event(decider, event, [record], out)
    assert out.event["source"] == sent._asdict()
    assert out.event["supersedes"] is None
    assert out.event["trigger"] == "claim"


async def test_every_outcome_has_its_topic_when_decided(shared: System, decider: Decider) -> None:
    approve, deny, pend = new_member(), new_member(), new_member()
    records = [history(approve), history(deny, transplant={"medically_necessary": False})]
    await shared.histories(*records)
    await shared.settled()
    events = {m: claim(m) for m in (approve, deny, pend)}
    await shared.claims(*events.values())
    for member, topic in [
        (approve, shared.settings.approve_topic),
        (deny, shared.settings.deny_topic),
        (pend, shared.settings.pend_topic),
    ]:
        (out,) = await shared.decided(member.claim_id)
        known = [r for r in records if r["member_id"] == member.member_id]
        assert out.event == expected_event(decider, events[member], known, out)
        assert out.topic == topic


async def test_decision_fits_its_schema_and_carries_cloudevents_headers_when_sent(
    shared: System, repo: Path
) -> None:
    member = new_member()
    await shared.claims(claim(member), headers=[("x", b"1"), ("traceparent", TRACEPARENT)])
    (out,) = await shared.decided(member.claim_id)
    schema = orjson.loads((repo / "schemas" / "decision.v1.schema.json").read_bytes())
    jsonschema.Draft7Validator(
        schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER
    ).validate(out.event)
    outcome = out.event["decision"]
    assert out.headers == {
        "ce_specversion": b"1.0",
        "ce_id": out.event["decision_id"].encode(),
        "ce_source": b"/cg-trans-03",
        "ce_type": f"cg-trans-03.decision.{outcome}.v1".encode(),
        "ce_time": out.event["evaluated_at"].encode(),
        "content-type": b"application/json",
        "traceparent": TRACEPARENT,
    }
    assert out.record.key == member.claim_id.encode()


async def test_in_scope_copy_keeps_bytes_headers_and_timestamp_when_forwarded(
    shared: System,
) -> None:
    member = new_member()
    value = b" " + orjson.dumps(claim(member)) + b"\n"
    producer = await shared.producer()
    place = await producer.send_and_wait(
        shared.settings.claims_topic,
        key=b"any key",
        value=value,
        headers=[("twice", b"1"), ("twice", b"2"), ("empty", b"")],
        timestamp_ms=1_700_000_000_123,
    )
    await shared.decided(member.claim_id)
    copies = await shared.read(shared.settings.in_scope_topic)
    (copy,) = [out for out in copies if out.record.key == member.member_id.encode()]
    assert copy.record.value == value
    assert copy.record.timestamp == 1_700_000_000_123
    assert copy.record.partition == partition_of_member(
        member.member_id, shared.settings.partitions
    )
    assert list(copy.record.headers) == [
        ("twice", b"1"),
        ("twice", b"2"),
        ("empty", b""),
        (
            "cg_trans_03.source",
            f"{shared.settings.claims_topic}:{place.partition}:{place.offset}".encode(),
        ),
    ]


async def test_latest_record_wins_when_history_is_late_repeated_and_out_of_order(
    shared: System, decider: Decider
) -> None:
    member = new_member()
    latest = history(member, occurred_at=instant(50))
    older = history(member, occurred_at=instant(10), transplant={"type": "autologous"})
    oldest = history(member, occurred_at=instant(5), transplant={"medically_necessary": False})
    await shared.histories(latest, older, latest, oldest, older, latest)
    await shared.settled()
    event = claim(member)
    await shared.claims(event)
    (out,) = await shared.decided(member.claim_id)
    assert out.event == expected_event(decider, event, [latest], out)
    assert out.event["decision"] == "approve"


async def test_record_stays_away_when_an_older_upsert_follows_its_retraction(
    shared: System, decider: Decider
) -> None:
    member = new_member()
    retraction = history(member, occurred_at=instant(50), operation="retract")
    await shared.histories(retraction, history(member, occurred_at=instant(10)))
    await shared.settled()
    event = claim(member)
    await shared.claims(event)
    (out,) = await shared.decided(member.claim_id)
    assert out.event["decision_id"] == expected_decision(decider, event, []).decision_id


async def test_nothing_is_sent_again_when_a_claim_is_redelivered(shared: System) -> None:
    member, sentinel = new_member(), new_member()
    event = claim(member)
    await shared.claims(event)
    await shared.decided(member.claim_id)
    await shared.claims(event, event)
    # The same key lies in the same partition, so that this one is decided after both.
    await shared.feed(
        shared.settings.claims_topic,
        [(member.claim_id.encode(), orjson.dumps(claim(sentinel, member_id=member.member_id)))],
    )
    await shared.decided(sentinel.claim_id)
    assert len(await shared.decisions_of(member.claim_id)) == 1


async def test_nothing_is_sent_again_when_history_had_its_say_before_the_claim_comes_again(
    shared: System,
) -> None:
    """Late history itself supersedes the first decision (test_late_history.py)."""
    member, sentinel = new_member(), new_member()
    event = claim(member)
    await shared.claims(event)
    await shared.decided(member.claim_id)
    await shared.histories(history(member))
    first, second = await shared.decided(member.claim_id, 2)
    assert second.event["supersedes"] == first.event["decision_id"]
    key, after = member.claim_id.encode(), claim(sentinel, member_id=member.member_id)
    await shared.feed(
        shared.settings.claims_topic, [(key, orjson.dumps(each)) for each in (event, after)]
    )
    await shared.decided(sentinel.claim_id)
    assert len(await shared.decisions_of(member.claim_id)) == 2


async def test_only_the_latest_version_stands_when_versions_arrive_out_of_order(
    shared: System,
) -> None:
    member = new_member()
    third = claim(member, claim_version=3, claim_frequency_code="7")
    second = claim(member, claim_version=2, claim_frequency_code="7")
    fourth = claim(member, claim_version=4, claim_frequency_code="7")
    await shared.claims(third, second, fourth)
    outs = await shared.decided(member.claim_id, 2)
    assert [out.event["claim_version"] for out in outs] == [3, 4]
    assert outs[1].event["supersedes"] == outs[0].event["decision_id"]


async def test_void_is_not_decided_and_holds_off_older_versions_when_it_stands(
    shared: System,
) -> None:
    member = new_member()
    first = claim(member, claim_version=1)
    void = claim(member, claim_version=3, claim_frequency_code="8")
    late = claim(member, claim_version=2, claim_frequency_code="7")
    revived = claim(member, claim_version=4, claim_frequency_code="7")
    await shared.claims(first, void, late, revived)
    outs = await shared.decided(member.claim_id, 2)
    assert [out.event["claim_version"] for out in outs] == [1, 4]
    assert outs[1].event["supersedes"] == outs[0].event["decision_id"]


async def test_no_decision_supersedes_itself_when_another_event_says_the_same(
    shared: System,
) -> None:
    """The id leaves out event id and time: a repeated statement decides to the same id."""
    member = new_member()
    again = claim(member, occurred_at=instant(60))
    changed = claim(member, occurred_at=instant(90), diagnoses=["C91.01"])
    await shared.claims(claim(member), again, changed)

    async def changed_is_decided() -> bool:
        outs = await shared.decisions_of(member.claim_id)
        return len({out.event["decision_id"] for out in outs}) == 2

    await shared.until(changed_is_decided, "the changed claim is decided")
    outs = await shared.decisions_of(member.claim_id)
    assert all(out.event["supersedes"] != out.event["decision_id"] for out in outs)


async def test_framed_claims_and_histories_are_read_when_a_registry_framed_them(
    shared: System, decider: Decider
) -> None:
    member = new_member()
    frame = b"\x00\x00\x00\x00\x2a"
    event, record = claim(member), history(member)
    await shared.histories(frame + orjson.dumps(record))
    await shared.settled()
    await shared.claims(frame + orjson.dumps(event))
    (out,) = await shared.decided(member.claim_id)
    assert out.event == expected_event(decider, event, [record], out)
