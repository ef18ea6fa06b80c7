"""Filing what could not be used: original bytes, key and headers, and why."""

from aiokafka.errors import MessageSizeTooLargeError

from stream_app import metrics
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.encode import dead_letter_headers
from stream_app.worker.batch import Record
from stream_app.worker.outbox import Outbox


class DeadLetterOffice:
    """Sends dead letters to their topic, counted by source topic and reason."""

    def __init__(self, topic: str) -> None:
        self._topic = topic

    async def file(
        self, outbox: Outbox, topic: str, partition: int, record: Record, fault: MalformedEvent
    ) -> None:
        """Send one dead letter; it is filed once the outbox is acknowledged."""
        reason, value = fault.reason, record.value
        try:
            await self._send(outbox, topic, partition, record, fault, value)
        except MessageSizeTooLargeError:
            # It cannot be copied at all. What is left says where the original lies.
            reason = DeadLetterReason.TOO_LARGE
            fault = MalformedEvent(reason, fault.where)
            await self._send(outbox, topic, partition, record, fault, b"")
        metrics.DEAD_LETTERS.labels(topic, reason.value).inc()

    async def _send(
        self,
        outbox: Outbox,
        topic: str,
        partition: int,
        record: Record,
        fault: MalformedEvent,
        value: bytes | None,
    ) -> None:
        headers = dead_letter_headers(
            fault,
            topic=topic,
            partition=partition,
            offset=record.offset,
            original=record.headers,
        )
        await outbox.send(
            self._topic,
            key=record.key,
            value=value,
            headers=headers,
            timestamp_ms=record.timestamp,
        )
