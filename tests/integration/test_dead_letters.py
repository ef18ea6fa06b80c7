"""Whatever cannot be used is filed with its original bytes, and the stream goes on."""

import orjson
import pytest

from stream_app.synthetic.event import Stream
from stream_app.synthetic.poison import POISONS
from tests.integration.events import claim, history, new_member
from tests.integration.harness import Out, System

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.both_scans]

SEEN = [poison for poison in POISONS if poison.expected.scan_sees]


async def _filed(shared: System, key: bytes) -> Out:
    async def found() -> list[Out]:
        return [out for out in await shared.dead_letters() if out.record.key == key]

    (out,) = await shared.until(found, "a dead letter is filed")
    return out


async def _still_decides(shared: System) -> None:
    """A claim in every partition is decided: nothing holds the stream up."""
    members = [new_member() for _ in range(6)]
    await shared.claims(*(claim(member) for member in members))
    for member in members:
        await shared.decided(member.claim_id)


async def test_every_kind_of_poison_is_filed_as_it_came_when_read(shared: System) -> None:
    s = shared.settings
    fed = {}
    for number, poison in enumerate(SEEN):
        member, key = new_member(), f"poison-{number}".encode()
        event = claim(member) if poison.stream is Stream.CLAIMS else history(member)
        event["service_lines" if poison.stream is Stream.CLAIMS else "noise"] = event.get(
            "service_lines", "Synthetic"
        )
        event["note"] = "Synthetic"  # what some of the spoilers replace
        if poison.stream is Stream.CLAIMS:
            event["service_lines"][-1]["units"] = 1
        value = poison.spoil(event)
        topic = s.claims_topic if poison.stream is Stream.CLAIMS else s.history_in_topic
        (place,) = await shared.feed(topic, [(key, value)], headers=[("given", b"as it was")])
        fed[key] = poison, value, place
    for key, (poison, value, place) in fed.items():
        out = await _filed(shared, key)
        assert out.record.value == value, poison.name
        assert out.record.headers[0] == ("given", b"as it was")
        headers = out.headers
        assert headers["__streams.errors.topic"] == place.topic.encode()
        assert headers["__streams.errors.partition"] == str(place.partition).encode()
        assert headers["__streams.errors.offset"] == str(place.offset).encode()
        assert headers["__streams.errors.exception"] == b"MalformedEvent"
        assert headers["cg_trans_03.reason"] == poison.expected.reason.value.encode(), poison.name
    await _still_decides(shared)


async def test_tombstones_and_records_without_key_are_passed_over_when_in_the_core(
    shared: System,
) -> None:
    member = new_member()
    before = len(await shared.dead_letters())
    await shared.feed(shared.settings.claims_topic, [(b"key", None), (b"", None), (None, b"")])
    await shared.claims(orjson.dumps(claim(member)))
    await shared.decided(member.claim_id)
    await _still_decides(shared)
    await shared.settled()
    assert len(await shared.dead_letters()) == before


async def test_member_is_gone_from_table_and_topic_when_erased(shared: System) -> None:
    s = shared.settings
    member, other = new_member(), new_member()
    older = history(member, event_id="older")
    await shared.histories(older, history(member), history(other))
    await shared.settled()
    await shared.claims(claim(member))
    await shared.decided(member.claim_id)
    erased = shared.workers[0].total("history_events_total", result="erased")
    await shared.feed(s.history_in_topic, [(member.member_id.encode(), None)])
    await shared.until(
        lambda: shared.workers[0].total("history_events_total", result="erased") == erased + 1,
        "the erasure is done",
    )
    await shared.settled()
    last: dict[bytes, bytes | None] = {}
    for out in await shared.read(s.history_topic):
        last[out.record.key] = out.record.value
    mine = {key: value for key, value in last.items() if member.member_id.encode() in key}
    assert len(mine) == 3, "two events and the erasure"
    assert set(mine.values()) == {None}
    assert any(other.member_id.encode() in key and value for key, value in last.items())
    changelog = await shared.read(f"{s.adjudicate_group}-history-changelog")
    rows = [out.record.value for out in changelog if out.record.key == member.member_id.encode()]
    assert rows[-1] is None
    again = claim(member, claim_id=f"{member.claim_id}-again")
    await shared.claims(again)
    (out,) = await shared.decided(again["claim_id"])
    assert out.event["decision"] != "approve", "no history is left to approve on"


async def test_erasure_is_counted_and_ignored_when_nobody_knows_the_member(
    shared: System,
) -> None:
    worker = shared.workers[0]
    before = worker.total("history_events_total", result="unknown_member")
    await shared.feed(shared.settings.history_in_topic, [(new_member().member_id.encode(), None)])
    await shared.until(
        lambda: worker.total("history_events_total", result="unknown_member") == before + 1,
        "the unknown member is counted",
    )


async def test_erasure_that_names_nobody_is_filed_when_read(shared: System) -> None:
    before = len(await shared.dead_letters())
    topic = shared.settings.history_in_topic
    await shared.feed(topic, [(b"", None), (b"\xff\xfe", None)])
    producer = await shared.producer()
    nothing = producer.create_batch()  # `send` refuses what Kafka takes: neither key nor value
    nothing.append(timestamp=None, key=None, value=None)
    await (await producer.send_batch(nothing, topic, partition=0))

    async def filed() -> bool:
        return len(await shared.dead_letters()) == before + 3

    await shared.until(filed, "all are filed")
    await _still_decides(shared)


async def test_old_dead_letter_is_kept_as_long_as_a_new_one_when_filed(shared: System) -> None:
    """Retention counts from a record's timestamp: the original's would have it deleted at once."""
    producer = await shared.producer()
    await producer.send_and_wait(
        shared.settings.claims_topic, key=b"old", value=b'"38242"', timestamp_ms=1_500_000_000_000
    )
    out = await _filed(shared, b"old")
    assert out.record.timestamp > 1_700_000_000_000
