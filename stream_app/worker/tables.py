"""Member rows on a Faust table, written behind the broker's acknowledgement.

Faust assigns, recovers and stores the table. Reading and writing go past its mapping interface,
which takes the partition from the event being processed and neither waits for the changelog nor
notices that a write failed.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import faust
from faust.types import TP, EventT

from stream_app.worker.ledger import Span
from stream_app.worker.outbox import Outbox


class MemberTable(faust.Table[bytes, bytes]):
    """Rows of bytes by member id, sharded by the partition that owns the member."""

    @cached_property
    def _on_disk(self) -> bool:
        return hasattr(self.data, "_db_for_partition")

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Rebuild rows from what the changelog holds; each event is a batch of its records."""
        for event in batch:
            changes: Any = event.value  # a ChangelogBatch, whatever Faust thinks it holds
            self._keep(
                changes.partition,
                {record.key: record.value for record in changes.records if record.key is not None},
            )
            if self._on_disk:
                self.data.set_persisted_offset(event.message.tp, event.message.offset)

    def read(self, partition: int, key: bytes) -> bytes | None:
        """A row, or None."""
        store: Any = self.data
        if self._on_disk:
            value = store._db_for_partition(partition).get(key)
            return None if value is None else bytes(value)
        row: bytes | None = store.data.get(key)
        return row

    async def write(
        self, partition: int, rows: Mapping[bytes, bytes | None], outbox: Outbox, span: Span
    ) -> None:
        """Write rows (None deletes): first the changelog, acknowledged, then the local store.

        Raises:
            aiokafka.errors.KafkaError: the broker refused a row; nothing is stored locally.
        """
        if not rows or _lost(span):
            # Once the partition has moved on, its new owner has read the changelog, or reads it:
            # a late row would undo what it writes.
            return
        topic = self.changelog_topic.get_topic_name()
        for key, value in rows.items():
            await outbox.send(topic, key=key, value=value, partition=partition)
        acknowledged = await outbox.acknowledged()
        if _lost(span):
            return
        self._keep(partition, rows)
        if self._on_disk:
            last = max(offset for _, _, offset in acknowledged)
            self.data.set_persisted_offset(TP(topic, partition), last)

    def _keep(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        store: Any = self.data
        if self._on_disk:
            db = store._db_for_partition(partition)
            for key, value in rows.items():
                if value is None:
                    db.delete(key)
                else:
                    db.put(key, value)
            return
        for key, value in rows.items():
            if value is None:
                store.data.pop(key, None)
                store._key_partition.pop(key, None)
            else:
                store.data[key] = value
                # So that Faust drops the row once the partition is another worker's.
                store._key_partition[key] = partition


def _lost(span: Span) -> bool:
    """Whether the partition has moved on; asked anew after every wait."""
    return not span.alive
