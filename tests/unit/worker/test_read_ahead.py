"""Fetches that are read side by side come out in the order in which they were taken."""

import asyncio
from typing import Any

import pytest
from faust.types import TP

from stream_app.worker.ledger import PartitionLedger
from stream_app.worker.read_ahead import ReadAhead, Reading

P0, P1 = TP("t", 0), TP("t", 1)
READABLE = frozenset((P0, P1))


def ahead_with(*tps: TP, size: int = 10) -> tuple[ReadAhead, list[asyncio.Future[Any]]]:
    ahead = ReadAhead()
    ahead.belong_to(READABLE)
    futures = [asyncio.get_running_loop().create_future() for _ in tps]
    for tp, future in zip(tps, futures, strict=True):
        ahead.begin(Reading(tp, PartitionLedger(0).read(0, 1), size, future))
    return ahead, futures


def ended(ahead: ReadAhead) -> list[tuple[TP, Any]]:
    return [(reading.tp, records) for reading, records in ahead.ended()]


async def test_fetches_come_out_in_their_order_when_a_later_one_is_read_first() -> None:
    ahead, (first, second, _third) = ahead_with(P0, P1, P0)
    second.set_result(["b"])
    assert ended(ahead) == []
    assert ahead.first is first
    first.set_result(["a"])
    assert ended(ahead) == [(P0, ["a"]), (P1, ["b"])]


async def test_room_is_back_when_a_fetch_is_read() -> None:
    ahead, (first, _second) = ahead_with(P0, P1, size=10 << 20)
    assert ahead.room < 0
    first.set_result([])
    assert len(ended(ahead)) == 1
    assert ahead.room > 0


async def test_what_an_earlier_generation_took_is_dropped_when_the_next_one_reads() -> None:
    ahead, (first, second) = ahead_with(P0, P1)
    first.set_result(["a"])
    ahead.belong_to(READABLE)
    assert ahead.first is first, "the same generation: nothing is dropped"
    ahead.belong_to(frozenset((P0, P1, TP("t", 2))))
    assert ended(ahead) == []
    assert ahead.first is None
    assert second.cancelled()


async def test_failure_is_raised_when_its_fetch_would_be_handed_out() -> None:
    ahead, (first, second) = ahead_with(P0, P1)
    second.set_exception(ValueError())
    first.set_result(["a"])
    out = ahead.ended()
    assert next(out)[1] == ["a"]
    with pytest.raises(ValueError):  # noqa: PT011  (the one from above)
        next(out)
