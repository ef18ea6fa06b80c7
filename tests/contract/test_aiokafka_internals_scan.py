"""What the scan takes of aiokafka's insides, so that an upgrade says what it has moved.

Read the seam first: `stream_app/worker/scan/raw_fetch.py` and `plain_scan.py`. A failure here
means that it has to be read again beside aiokafka's new sources, not that a name is to be
changed in this file.
"""

import asyncio
import inspect
import re
import struct
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from aiokafka import client, conn
from aiokafka.consumer import consumer, fetcher
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.protocol import fetch
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from stream_app.worker.scan import RawFetches
from stream_app.worker.scan.plain_scan import readers
from tests.property.scan_batches import NO_TEXT, Rec, fetched, v2_batch

SEAM = "stream_app/worker/scan/raw_fetch.py"


def parameters(function: object) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]  # type: ignore[arg-type]


def test_aiokafka_is_the_version_that_the_seam_was_written_for():
    assert version("aiokafka") == "0.14.0", f"aiokafka was upgraded: check {SEAM} against it"


def test_fetcher_sends_through_its_client_when_it_fetches():
    source = inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    assert "await self._client.send(node_id, request)" in source, "Fetcher no longer sends so"
    assert "MemoryRecords(part_data[-1])" in source, "batches are no longer last in the response"
    after_send = source.split("await self._client.send(node_id, request)")[1]
    assert after_send.count("await ") == 1, (
        "something waits between a response and its FetchResult (but for the error path's sleep): "
        "kept bytes may no longer be those of the result"
    )


def test_consumer_keeps_its_fetcher_where_the_seam_looks():
    assert "self._fetcher = Fetcher(" in inspect.getsource(consumer.AIOKafkaConsumer.start)


def test_every_response_version_has_the_batches_last():
    responses = [kind for name, kind in vars(fetch).items() if name.startswith("FetchResponse_v")]
    assert len(responses) >= 11
    for response in responses:
        topics = response.SCHEMA.fields[response.SCHEMA.names.index("topics")]
        _, partitions = topics.array_of.fields
        names = partitions.array_of.names
        assert names[:3] == ("partition", "error_code", "highwater_offset"), response
        assert names[-1] == "message_set", response


@pytest.mark.parametrize("name", ["position", "paused", "consumed_to"])
def test_position_is_moved_as_getall_moves_it(name: str):
    assert hasattr(TopicPartitionState, name), f"a position no longer has {name}: see {SEAM}"
    assert "consumed_to" in inspect.getsource(fetcher.FetchResult._update_position)


def test_partition_records_take_what_the_plain_way_gives():
    assert parameters(fetcher.PartitionRecords.__init__) == [
        "tp",
        "records",
        "aborted_transactions",
        "fetch_offset",
        "key_deserializer",
        "value_deserializer",
        "check_crcs",
        "isolation_level",
    ]
    assert (fetcher.READ_UNCOMMITTED, fetcher.READ_COMMITTED) == (0, 1)


def test_header_name_that_is_no_text_is_refused_with_the_error_that_the_scan_looks_for():
    """See `stream_app/worker/scan/record_scan.py`: our own reader takes over on this error only."""
    batch, _ = v2_batch([Rec(b"v", headers=((NO_TEXT, b"x"),))], 0)
    with pytest.raises(UnicodeDecodeError):
        list(next(readers(fetched(batch))))


def test_control_record_is_read_as_the_scan_reads_it():
    batch, _ = v2_batch([Rec(b"", struct.pack(">HH", 0, 0))], 0, attributes=0x30)
    assert ControlRecord.parse(next(DefaultRecordBatch(batch)).key) == ABORT_MARKER


class _Assignment:
    active = True

    def __init__(self) -> None:
        self.state = TopicPartitionState.__new__(TopicPartitionState)

    def state_value(self, tp: TopicPartition) -> TopicPartitionState:
        return self.state


async def _fetch_result(data: bytes, position: int) -> fetcher.FetchResult:
    tp = TopicPartition("claims", 0)
    assignment = _Assignment()
    assignment.state = TopicPartitionState(assignment)
    assignment.state.seek(position)
    records = fetcher.PartitionRecords(
        tp,
        MemoryRecords(data),
        aborted_transactions=[(7, 3)],
        fetch_offset=position,
        key_deserializer=None,
        value_deserializer=None,
        check_crcs=True,
        isolation_level=fetcher.READ_COMMITTED,
    )
    return fetcher.FetchResult(tp, assignment=assignment, partition_records=records, backoff=0.1)


class _Client:
    """Answers every request with one fetch response."""

    def __init__(self, data: bytes) -> None:
        self.cluster = "the cluster"
        self._conns: dict[object, object] = {}
        self._data = data

    async def send(self, node_id: int, request: object) -> object:
        return SimpleNamespace(
            topics=[
                ("claims", [(0, 0, 9, 9, 0, None, -1, self._data)]),
                ("other", [(0, 0, 9, 9, 0, None, -1, self._data)]),
            ]
        )


async def _raw_fetches(data: bytes) -> tuple[RawFetches, SimpleNamespace]:
    inner = SimpleNamespace(_client=_Client(data))
    raw = RawFetches(SimpleNamespace(_fetcher=inner), "claims".__eq__)  # type: ignore[arg-type]
    await inner._client.send(1, FetchRequest(1, 1, 1, 0, []))
    return raw, inner


async def test_take_moves_the_position_when_the_bytes_are_at_hand():
    data, _ = v2_batch([Rec(b"a"), Rec(b"b")], 5)
    raw, inner = await _raw_fetches(data)
    assert inner._client.cluster == "the cluster"
    result = await _fetch_result(data, 5)

    fetched = raw.take(result)

    assert fetched is not None
    assert (fetched.from_offset, fetched.to_offset, fetched.data) == (5, 7, data)
    assert (fetched.aborted, fetched.read_committed) == (((7, 3),), True)
    assert result._assignment.state.position == 7
    assert not result.has_more()
    assert raw.take(await _fetch_result(data, 7)) is None


@pytest.mark.parametrize("wrong", ["size", "position", "unassigned", "paused"])
async def test_take_leaves_everything_when_the_bytes_are_not_those_of_the_result(wrong: str):
    data, _ = v2_batch([Rec(b"a"), Rec(b"b")], 5)
    raw, _ = await _raw_fetches(data + b"x" if wrong == "size" else data)
    result = await _fetch_result(data, 5)
    state = result._assignment.state
    if wrong == "position":
        state.seek(6)
    if wrong == "paused":
        state.pause()
    if wrong == "unassigned":
        result._assignment.active = False
    before = state.position

    assert raw.take(result) is None

    assert state.position == before
    assert len(result.getall()) == (2 if wrong == "size" else 0)


async def test_reader_of_a_connection_is_asyncios_own_and_has_what_is_leant_on():
    """See `stream_app/worker/scan/chunked_reader.py`."""
    source = inspect.getsource(conn.AIOKafkaConnection)
    assert "reader = asyncio.StreamReader(" in source, "aiokafka reads in another way now"
    used = set(re.findall(r"(?:self\.)?_?reader\.(read\w*)\(", source))
    assert used == {"readexactly"}, f"a connection reads by {used}, not by readexactly alone"
    reader = asyncio.StreamReader()
    for name in ("_buffer", "_eof", "_exception", "_limit", "_paused", "_transport"):
        assert hasattr(reader, name), f"asyncio.StreamReader has no {name} any more"
    assert inspect.iscoroutinefunction(reader._wait_for_data)
    assert parameters(reader._wait_for_data) == ["func_name"]
    assert parameters(reader._wakeup_waiter) == []
    assert client.ConnectionGroup.DEFAULT in client.ConnectionGroup
    assert "self._conns[(node_id, group)].send(" in inspect.getsource(client.AIOKafkaClient.send)
