"""Faust's aiokafka transport, cut open at one seam: records are taken batch by batch.

What is overridden here and why (faust-streaming 0.15.3, aiokafka 0.14.0; both pinned, and
`tests/contract/test_faust_internals.py` fails with a clear word when an upgrade moves them):

    Consumer._new_consumer_thread   ours is in `consumer_thread.py`
    Consumer._to_message            a batch becomes one Faust message, changelogs included
    Consumer.force_commit, wait_empty, on_partitions_revoked   the ledger alone decides
    RebalanceListener               the first word of a rebalance closes the gate
    Producer._settings_extra        idempotent, acks=all, without Faust's transactions
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import get_logger

from stream_app.worker.batch import Batch, ChangelogBatch
from stream_app.worker.consumer_thread import ConsumerThread
from stream_app.worker.hop import Hop

logger = get_logger(__name__)


class RebalanceListener(driver.ConsumerRebalanceListener):
    """Hears of a rebalance first, on the consumer thread."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Any:
        cast(ConsumerThread, self._thread).hop.gate.close()
        return super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        # Once more: Faust's recovery of the generation before may have ended in between.
        hop = cast(ConsumerThread, self._thread).hop
        hop.gate.close()
        hop.ledger.clear()
        await super().on_partitions_assigned(assigned)


class Consumer(driver.Consumer):
    """Faust's side of the consumer thread: batches in, the ledger's marks out."""

    RebalanceListener: ClassVar[type[driver.ConsumerRebalanceListener]] = RebalanceListener

    @property
    def hop(self) -> Hop:
        return cast(Hop, self.app.hop)  # type: ignore[attr-defined]

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        batch: Batch | ChangelogBatch = record
        last = batch.span.stop - 1 if isinstance(batch, Batch) else batch.records[-1].offset
        # Timestamp, its type, headers, key; the batch; checksum and sizes, which nobody reads.
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last,
            time.time(),
            0,
            None,
            None,
            cast(bytes, batch),
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit the ledger's low-water marks; what the broker refuses is not booked."""
        marks = self.hop.ledger.marks()
        if not marks or not await self._commit(marks):
            return False
        self.hop.ledger.book(marks)
        return True

    async def wait_empty(self) -> None:
        """Let the running batch finish and commit, both bounded in time.

        After a crash the consumer thread may be gone, and a commit would wait for it for ever.
        """
        await self.hop.settled()
        try:
            await asyncio.wait_for(self.commit(), self.hop.settle_seconds)
        except TimeoutError:
            logger.warning("%s: no commit on leaving; it will be read again", self.hop.name)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)
        self.hop.ledger.forget(revoked)

    async def verify_all_partitions_active(self) -> None:
        """Faust's stall detector looks at its own acks, which we do not use; see health.py."""


class Producer(driver.Producer):
    """No record twice and none out of order, without the price of a transaction."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):
    """Faust's transport with our consumer and producer."""

    Consumer: ClassVar[type[Any]] = Consumer
    Producer: ClassVar[type[Any]] = Producer
