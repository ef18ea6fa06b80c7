"""What the worker says and counts of what goes wrong, and what it keeps to itself."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NotLeaderForPartitionError
from faust.types import TP
from prometheus_client import REGISTRY

from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.worker.batch import Batch
from stream_app.worker.dead_letter import DeadLetterOffice
from stream_app.worker.ends import end_of
from stream_app.worker.failed import tell_of_failure
from stream_app.worker.ledger import PartitionLedger
from stream_app.worker.producer_watch import count_retries

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()


def record(offset: int = 7, **headers: bytes) -> Any:
    return SimpleNamespace(
        offset=offset,
        timestamp=0,
        key=b"k",
        value=b"secret",
        headers=list(headers.items()),
    )


def batch(topic: str, *records: Any) -> Batch:
    return Batch(topic, 2, PartitionLedger(5).read(5, 9), records)


def errors(hop: str) -> float | None:
    return REGISTRY.get_sample_value("cg_trans_03_producer_errors_total", {"hop": hop})


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_a_failed_batch_names_its_place_and_trace_when_it_is_one_claim(unique: str, heard) -> None:
    tell_of_failure(unique, batch("t", record(traceparent=TRACEPARENT)), ValueError("secret"))
    (line,) = heard.records
    assert (line.topic, line.partition, line.offset, line.trace_id) == ("t", 2, 5, TRACE)
    assert "ValueError" in line.getMessage()
    assert "secret" not in line.getMessage()
    assert errors(unique) is None


def test_a_failed_batch_names_nobodys_trace_when_it_is_many_claims(unique: str, heard) -> None:
    some = record(traceparent=TRACEPARENT), record()
    tell_of_failure(unique, batch("t", *some), NotLeaderForPartitionError())
    assert heard.records[0].trace_id is None
    assert errors(unique) == 1


async def test_a_dead_letter_names_place_reason_and_trace_when_filed(heard) -> None:
    async def send(*_: Any, **__: Any) -> None: ...

    outbox: Any = SimpleNamespace(send=send)
    fault = MalformedEvent(DeadLetterReason.NOT_JSON)
    await DeadLetterOffice("dead").file(outbox, "t", 1, record(traceparent=TRACEPARENT), fault)
    (line,) = heard.records
    assert (line.topic, line.partition, line.offset) == ("t", 1, 7)
    assert (line.reason, line.trace_id) == ("NOT_JSON", TRACE)


@pytest.mark.parametrize("header", [b"", b"00-zz", b"\xff", TRACEPARENT.upper()])
async def test_a_dead_letter_names_no_trace_when_the_header_is_none(heard, header: bytes) -> None:
    async def send(*_: Any, **__: Any) -> None: ...

    outbox: Any = SimpleNamespace(send=send)
    fault = MalformedEvent(DeadLetterReason.NOT_JSON)
    await DeadLetterOffice("dead").file(outbox, "t", 1, record(traceparent=header), fault)
    assert heard.records[-1].trace_id is None


def test_retries_are_counted_and_done_when_a_batch_is_sent_once_more(unique: str) -> None:
    again: list[str] = []
    accumulator = SimpleNamespace(reenqueue=again.append)
    producer: Any = SimpleNamespace(_message_accumulator=accumulator)
    count_retries(producer, unique)
    for name in "ab":
        accumulator.reenqueue(name)
    assert again == ["a", "b"]
    value = REGISTRY.get_sample_value("cg_trans_03_producer_retries_total", {"hop": unique})
    assert value == 2


def consumer(assignment: Any) -> Any:
    subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    return SimpleNamespace(
        _thread=SimpleNamespace(_consumer=SimpleNamespace(_subscription=subscription))
    )


def test_an_end_is_known_only_when_the_partition_is_assigned_and_fetched() -> None:
    state = SimpleNamespace(highwater=42)
    assigned = SimpleNamespace(tps={TP("t", 0)}, state_value=lambda tp: state)
    assert end_of(consumer(assigned), TP("t", 0)) == 42
    assert end_of(consumer(assigned), TP("t", 1)) is None
    state.highwater = None
    assert end_of(consumer(assigned), TP("t", 0)) is None


@pytest.mark.parametrize(
    "away",
    [
        SimpleNamespace(),
        SimpleNamespace(_thread=None),
        SimpleNamespace(_thread=SimpleNamespace(_consumer=None)),
        SimpleNamespace(
            _thread=SimpleNamespace(
                _consumer=SimpleNamespace(_subscription=SimpleNamespace(subscription=None))
            )
        ),
        consumer(None),
    ],
)
def test_an_end_is_unknown_when_the_consumer_is_on_its_way(away: Any) -> None:
    assert end_of(away, TP("t", 0)) is None
