"""Sends events to an inbound topic in whole batches, as fast as the broker takes them."""

import asyncio
import time
import zlib
from collections.abc import Callable, Iterable
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from stream_app.settings import Settings
from stream_app.synthetic import Event, Stream
from stream_app.worker.credentials import client_options

BATCH_BYTES = 262_144
_GIVE_UP_MS = 15_000
_LOOK_EVERY = 256


class Feeder:
    """A producer of its own, as claim platforms have one: batched, zstd, keys spread by CRC32.

    Args:
        settings: of the run.
        still_runs: asked with every batch; raises when there is nobody to feed.
    """

    def __init__(self, settings: Settings, still_runs: Callable[[], None]) -> None:
        self._still_runs = still_runs
        self._topics = {
            Stream.CLAIMS: settings.claims_topic,
            Stream.HISTORY: settings.history_in_topic,
        }
        self._producer = AIOKafkaProducer(
            **client_options(settings),
            compression_type="zstd",
            max_batch_size=BATCH_BYTES,
            acks="all",
            request_timeout_ms=_GIVE_UP_MS,
        )
        self.claims = 0
        """Claims handed to the broker so far."""

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def feed(self, stream: Stream, events: Iterable[Event]) -> None:
        """Sends all events of one stream and waits until the broker has them."""
        topic = self._topics[stream]
        partitions = len(await self._producer.partitions_for(topic))
        open_batches: dict[int, BatchBuilder] = {}
        sent: list[asyncio.Future[object]] = []
        for count, event in enumerate(events, 1):
            partition = zlib.crc32(event.key) % partitions
            batch = open_batches.get(partition)
            if batch is None or not self._add(batch, event):
                if batch is not None:
                    sent.append(await self._send(batch, topic, partition))
                batch = open_batches[partition] = self._producer.create_batch()
                assert self._add(batch, event)
            self.claims += stream is Stream.CLAIMS
            if count % _LOOK_EVERY == 0:
                await asyncio.sleep(0)  # whoever shows the progress wants a turn
        for partition, batch in open_batches.items():
            sent.append(await self._send(batch, topic, partition))
        await asyncio.gather(*sent)

    @staticmethod
    def _add(batch: BatchBuilder, event: Event) -> bool:
        added = batch.append(
            key=event.key, value=event.value, timestamp=time.time_ns() // 1_000_000
        )
        return added is not None

    async def _send(
        self, batch: BatchBuilder, topic: str, partition: int
    ) -> asyncio.Future[object]:
        self._still_runs()
        future: asyncio.Future[object] = await self._producer.send_batch(
            batch, topic, partition=partition
        )
        future.add_done_callback(_noted)
        return future


def _noted(done: asyncio.Future[object]) -> None:
    """Takes note of a failure, for nobody will ask a second future once the first has failed."""
    if not done.cancelled():
        done.exception()
