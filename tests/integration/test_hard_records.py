"""Records that are sound to Kafka and hard to pass on: none may stop the worker for ever.

Each has a system of its own, since the fault to be found is a worker that ends, is started
again, reads the same record and ends.
"""

import zlib
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.events import claim, history, new_member
from tests.integration.harness import Out, System
from tests.integration.raw_batches import send_with_header_name

pytestmark = pytest.mark.both_scans


async def _filed(system: System, count: int) -> list[Out]:
    async def found() -> list[Out] | None:
        outs = await system.dead_letters()
        return outs if len(outs) == count else None

    found_letters: list[Out] = await system.until(found, f"{count} dead letter(s) are filed")
    return found_letters


async def _still_decides(system: System) -> None:
    """A claim in every partition is decided: nothing holds the stream up."""
    members = [new_member() for _ in range(3)]
    for partition, member in enumerate(members):
        producer = await system.producer()
        await producer.send_and_wait(
            system.settings.claims_topic, orjson.dumps(claim(member)), partition=partition
        )
    for member in members:
        await system.decided(member.claim_id)


async def test_claim_too_large_to_copy_is_filed_without_its_value_when_read(
    system: System,
) -> None:
    """Small on the wire, since it compresses well; larger than what we may send."""
    await system.start()
    await _send(system, b"key", claim(new_member(), note="x" * 4_000_000), [("h", b"1")])
    (out,) = await _filed(system, 1)
    assert (out.record.key, out.record.value) == (b"key", b"")
    assert out.headers["h"] == b"1"
    assert out.headers["cg_trans_03.reason"] == b"TOO_LARGE"
    await _still_decides(system)


async def test_record_whose_key_cannot_be_copied_does_not_block_when_read(system: System) -> None:
    """Not even its key fits: what is left still says where the original lies."""
    await system.start()
    await _send(system, b"k" * 3_000_000, b'"38242"', [])
    (out,) = await _filed(system, 1)
    assert out.headers["__streams.errors.offset"] == b"0"
    await _still_decides(system)


async def test_record_whose_headers_cannot_be_copied_does_not_block_when_read(
    system: System,
) -> None:
    await system.start()
    await _send(system, b"key", claim(new_member()), [("h", b"h" * 3_000_000)])
    (out,) = await _filed(system, 1)
    assert out.headers["cg_trans_03.reason"] == b"TOO_LARGE"
    await _still_decides(system)


async def test_claim_from_the_future_does_not_block_when_the_core_lets_it_in(
    make_system: Any,
) -> None:
    """A broker refuses timestamps too far ahead (1 h by default); the platform's may be laxer."""
    system = await make_system(claims_config={"message.timestamp.after.max.ms": str(2**63 - 1)})
    await system.start()
    member = new_member()
    producer = await system.producer()
    for value in (orjson.dumps(claim(member)), b'"38242"'):
        await producer.send_and_wait(
            system.settings.claims_topic, key=b"f", value=value, timestamp_ms=4_102_444_800_000
        )
    await system.decided(member.claim_id)
    await _filed(system, 1)
    await _still_decides(system)


async def test_header_name_that_is_no_text_does_not_block_when_read(system: System) -> None:
    """Kafka itself lets any bytes be a header's name."""
    await system.start()
    member = new_member()
    producer, topic = await system.producer(), system.settings.claims_topic
    value = orjson.dumps(claim(member))
    await send_with_header_name(producer, topic, 0, value=value, name=b"not-utf-\xff")
    await _still_decides(system)
    assert await system.decisions_of(member.claim_id) or await system.dead_letters()


async def test_history_is_known_when_a_header_name_of_it_is_no_text(system: System) -> None:
    """aiokafka cannot read such a record, and a topic that is not scanned is read by it."""
    await system.start()
    member, after = new_member(), new_member()
    producer, topic = await system.producer(), system.settings.history_in_topic
    value = orjson.dumps(history(member))
    await send_with_header_name(producer, topic, 0, value=value, name=b"not-utf-\xff")
    await producer.send_and_wait(topic, orjson.dumps(history(after)), partition=0)
    await system.settled()
    for one in (member, after):
        await system.claims(claim(one))
        (out,) = await system.decided(one.claim_id)
        assert out.event["decision"] == "approve", "the history was read"
    copies = await system.read(system.settings.history_topic)
    (copy,) = [out for out in copies if out.record.value == value]
    assert copy.record.headers[0] == ("not-utf-\ufffd", b"x")


async def _send(
    system: System, key: bytes, value: dict[str, Any] | bytes, headers: list[tuple[str, bytes]]
) -> None:
    """Produce one record of any size that compresses well."""
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    assert len(zlib.compress(data)) < 100_000
    async with AIOKafkaProducer(
        bootstrap_servers=system.settings.bootstrap_servers,
        compression_type="gzip",
        max_request_size=16_000_000,
    ) as producer:
        await producer.send_and_wait(
            system.settings.claims_topic, data, key=key, partition=0, headers=headers
        )
