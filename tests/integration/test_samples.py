"""What the scan would overlook shows, though the scan overlooks it."""

import asyncio
from typing import Any

import orjson
import pytest

from tests.integration.conftest import MakeSystem
from tests.integration.events import claim, new_member, out_of_scope
from tests.integration.harness import System, Worker


def _as_numbers(number: int) -> bytes:
    event: dict[str, Any] = orjson.loads(out_of_scope(number))
    event["service_lines"][0]["procedure_code"] = 99213
    return orjson.dumps(event)


def _utf_16(_number: int) -> bytes:
    """In scope, and no byte of it says so."""
    return orjson.dumps(claim(new_member())).decode().encode("utf-16")


def _new_word(number: int) -> bytes:
    """In scope to whoever decodes it; the predicate cannot know the word."""
    event: dict[str, Any] = orjson.loads(out_of_scope(number))
    event["service_lines"][0]["specified_as"] = "a-new-word"
    return orjson.dumps(event)


SHAPES = {"NOT_JSON": _utf_16, "SCHEMA_VIOLATION": _as_numbers, "in_scope": _new_word}


async def _trickle(system: System) -> None:
    """Twenty claims a second and partition, one in four of each shape; for ever."""
    producer = await system.producer()
    for number in range(1_000_000):
        shape = [out_of_scope, *SHAPES.values()][number % 4]
        for partition in range(3):
            await producer.send(system.settings.claims_topic, shape(number), partition=partition)
        await asyncio.sleep(0.05)


@pytest.mark.both_scans
async def test_new_shape_shows_in_a_metric_when_a_producer_begins_to_send_it(
    system: System,
) -> None:
    """With the rate that is the default: one record in ten thousand would take hours here."""
    worker = await system.start("scope")
    assert all(not _found(worker, verdict) for verdict in SHAPES)
    feeding = asyncio.create_task(_trickle(system))
    try:
        for verdict in SHAPES:
            await system.until(lambda v=verdict: _found(worker, v), f"{verdict} is counted")
    finally:
        feeding.cancel()
    assert worker.total("claims_in_scope_total") == 0, "the scan has overlooked them"


async def test_nothing_is_looked_at_again_when_the_rate_is_zero(make_system: MakeSystem) -> None:
    system = await make_system(scan_sample_rate=0.0)
    worker = await system.start("scope")
    events = [(None, _utf_16(number)) for number in range(300)]
    for part in range(3):
        await system.feed(system.settings.claims_topic, events[part * 100 : part * 100 + 100])
    await system.settled("scope")
    assert worker.total("claims_skipped_total") == 300
    assert worker.total("skipped_samples_total") == 0


def _found(worker: Worker, verdict: str) -> float:
    return worker.total("skipped_samples_total", verdict=verdict)
