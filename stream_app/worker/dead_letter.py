"""Filing what could not be used: original bytes, key and headers, and why."""

import logging

from aiokafka.errors import MessageSizeTooLargeError

from stream_app import metrics
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.logs import Sparing
from stream_app.pipeline.encode import dead_letter_headers
from stream_app.worker.batch import Record
from stream_app.worker.outbox import Outbox
from stream_app.worker.trace_context import trace_id_of

logger = logging.getLogger(__name__)
# A surge must not fill the disk with lines; the counter counts all of them.
logger.addFilter(Sparing(lines=20, seconds=10.0))


class DeadLetterOffice:
    """Sends dead letters to their topic, counted by source topic and reason."""

    def __init__(self, topic: str) -> None:
        self._topic = topic

    async def file(
        self, outbox: Outbox, topic: str, partition: int, record: Record, fault: MalformedEvent
    ) -> None:
        """Send one dead letter; it is filed once the outbox is acknowledged.

        What is too large to be copied is filed without its value, if need be without its key and
        headers, too: what is left says where the original lies.
        """
        try:
            await self._send(outbox, topic, partition, record, fault)
        except MessageSizeTooLargeError:
            fault = MalformedEvent(DeadLetterReason.TOO_LARGE, fault.where)
            try:
                await self._send(outbox, topic, partition, _Rest(record), fault)
            except MessageSizeTooLargeError:
                await self._send(outbox, topic, partition, _Bare(record), fault)
        metrics.DEAD_LETTERS.labels(topic, fault.reason.value).inc()
        logger.warning(
            "filed a record of %s as a dead letter: %s",
            topic,
            fault.reason.value,
            extra={
                "topic": topic,
                "partition": partition,
                "offset": record.offset,
                "reason": fault.reason.value,
                "trace_id": trace_id_of(record),
            },
        )

    async def _send(
        self,
        outbox: Outbox,
        topic: str,
        partition: int,
        record: "Record | _Rest | _Bare",
        fault: MalformedEvent,
    ) -> None:
        headers = dead_letter_headers(
            fault,
            topic=topic,
            partition=partition,
            offset=record.offset,
            timestamp=record.timestamp,
            original=record.headers,
        )
        # Not with the original's timestamp: retention would count from there.
        await outbox.send(self._topic, key=record.key, value=record.value, headers=headers)


class _Rest:
    """A record without its value."""

    def __init__(self, record: Record) -> None:
        self.offset, self.timestamp = record.offset, record.timestamp
        self.key, self.headers = record.key, record.headers
        self.value = b""


class _Bare(_Rest):
    """A record of which only the place is left."""

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self.key, self.headers = None, ()
