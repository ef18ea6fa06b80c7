"""Where a scan gets its bytes from: aiokafka's fetcher, which keeps them to itself.

Touched of aiokafka 0.14.0, per consumer and never for the whole process (pinned;
`tests/contract/test_aiokafka_internals_scan.py` fails with a clear word when an upgrade moves it):

    Fetcher._client         wrapped, so that the record batches of a fetch response can be kept:
                            the fetcher parses them into an object that gives no bytes back
    AIOKafkaClient._conns, AIOKafkaConnection._reader
                            the stream of a broker's answers, see `chunked_reader.py`
    FetchResult._partition_records, _assignment, _topic_partition
                            what was fetched, and whether it is still ours
    PartitionRecords.next_fetch_offset, _records.size_in_bytes(), _aborted_transactions,
        _check_crcs, _isolation_level
                            the position, the proof that the kept bytes are these, and the rules
    TopicPartitionState.position, paused, consumed_to
                            the position moves here instead of in `FetchResult.getall`

aiokafka's own objects stay whole: a fetch result that nobody takes here reads as ever.
"""

from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.client import ConnectionGroup
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from stream_app.worker.scan.chunked_reader import ChunkedReader
from stream_app.worker.scan.fetched import Fetched, end_offset


class RawFetches:
    """The record batches of some topics as they came over the wire.

    Args:
        consumer: started.
        keeps: of which topics batches are kept until they are taken, one fetch a partition at
            most. The others are left alone.
    """

    def __init__(self, consumer: AIOKafkaConsumer, keeps: Callable[[str], bool]) -> None:
        self._kept: dict[TopicPartition, bytes] = {}
        fetcher = consumer._fetcher
        fetcher._client = _KeepingClient(fetcher._client, keeps, self._kept)

    def take(self, result: FetchResult) -> Fetched | None:
        """Take what was fetched of a partition, and move its position behind it.

        Returns:
            None when the bytes are not at hand or no longer wanted: nothing has moved, and
            `result` is to be read the plain way (`FetchResult.getall`), which finds out.
        """
        tp = result._topic_partition
        data = self._kept.pop(tp, None)
        records = result._partition_records
        if data is None or records is None or records._records.size_in_bytes() != len(data):
            return None
        if not result._assignment.active:
            return None
        state = result._assignment.state_value(tp)
        position = state.position
        if state.paused or position != records.next_fetch_offset:
            return None
        to_offset = end_offset(data, position)
        if to_offset == position:
            return None  # no whole batch, or nonsense: aiokafka has the word for it
        fetched = Fetched(
            tp.topic,
            tp.partition,
            position,
            to_offset,
            data,
            tuple((producer, first) for producer, first in records._aborted_transactions),
            records._isolation_level == READ_COMMITTED,
            records._check_crcs,
        )
        state.consumed_to(fetched.to_offset)
        result._partition_records = None  # as `getall` does when it has read to the end
        # Its generator refers back to it: without this, only the garbage collector would free
        # the bytes.
        records._records_iterator = None
        return fetched


class _KeepingClient:
    """An AIOKafkaClient that puts the batches in fetch responses aside before they are parsed."""

    def __init__(
        self, client: Any, keeps: Callable[[str], bool], kept: dict[TopicPartition, bytes]
    ) -> None:
        self._client = client
        self._keeps = keeps
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """As the client does; a fetch is received piece by piece, and its batches are kept."""
        if isinstance(request, FetchRequest):
            connection = self._client._conns.get((node_id, ConnectionGroup.DEFAULT))
            if connection is not None and connection._reader is not None:
                ChunkedReader.adopt(connection._reader)
        response = await self._client.send(node_id, request, **options)
        if isinstance(request, FetchRequest):
            for topic, partitions in response.topics:
                if self._keeps(topic):
                    for partition, _error, _highwater, *rest in partitions:
                        self._keep(TopicPartition(topic, partition), rest[-1])
        return response

    def _keep(self, tp: TopicPartition, data: bytes | None) -> None:
        if data:
            self._kept[tp] = data
        else:
            self._kept.pop(tp, None)
