"""A Faust app set up for one hop: our transport, our gate, nothing of Faust's that listens."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import faust
from faust.types.transports import ProducerT, TransportT
from mode import get_logger

from stream_app import metrics
from stream_app.settings import Settings
from stream_app.worker.batch import Batch
from stream_app.worker.credentials import broker_credentials
from stream_app.worker.failed import tell_of_failure
from stream_app.worker.hop import Hop
from stream_app.worker.lanes import Lanes
from stream_app.worker.outbox import Outbox, Turns
from stream_app.worker.producer_watch import count_retries
from stream_app.worker.transport import Transport

logger = get_logger(__name__)

# Faust messages are batches and our own limit is in bytes, so its own count must never bite:
# a full queue takes a partition out of Faust's fetch loop, which then sleeps a whole second.
_QUEUED_BATCHES = 100_000
_QUEUED_CHANGELOG_BATCHES = 8


class HopApp(faust.App):
    """One hop of the pipeline as a Faust app, and so as one consumer group."""

    hop: Hop
    keeps_files: bool = False
    _watched: Any = None
    _turns: Turns

    def _create_directories(self) -> None:
        if self.keeps_files:
            self.conf.datadir.mkdir(parents=True, exist_ok=True)
            super()._create_directories()

    def _new_transport(self) -> TransportT:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> TransportT:
        return Transport(self.conf.broker_producer, self)

    def _new_producer(self) -> ProducerT:
        return self.producer_transport.create_producer(beacon=self.beacon)

    def new_outbox(self) -> Outbox:
        """For what one batch sends."""
        producer = self.producer._ensure_producer()  # type: ignore[attr-defined]
        if producer is not self._watched:
            self._watched = producer
            count_retries(producer, self.hop.name)
            self._turns = Turns()
        return Outbox(producer, self.conf.producer_max_request_size, self._turns)

    def on_rebalance_end(self) -> None:
        super().on_rebalance_end()
        generation = self.consumer_generation_id
        metrics.REBALANCES.labels(self.hop.name).inc()
        if not self.consumer.assignment():
            # Nothing to seek; an idle worker is a ready one, too.
            self.hop.gate.sought(generation, frozenset())
        self.hop.gate.open(generation)

    async def on_stop(self) -> None:
        await super().on_stop()
        # Whatever still runs has had its time (`Hop.settled`).
        for lanes in self.hop.lanes:
            lanes.stop()

    def consume(self, handler: Callable[[Batch], Awaitable[None]], *topics: str) -> None:
        """Give every batch of `topics` to `handler`: of one partition one after the other.

        A batch is done when the handler returns. Should it raise, the worker stops before the
        input is committed: Faust alone would call the batch done and go on.
        """
        records = metrics.BATCH_RECORDS.labels(self.hop.name)

        async def work(batch: Batch) -> None:
            records.observe(len(batch.records))
            try:
                async with self.hop.running(batch):
                    await handler(batch)
            except Exception as failure:
                tell_of_failure(self.hop.name, batch, failure)
                raise

        lanes = Lanes(work, self.add_future)
        self.hop.lanes.append(lanes)
        # Faust takes no part in commits: the ledger does that (acks=False).
        channel = self.topic(
            *topics,
            key_serializer="raw",
            value_serializer="raw",
            acks=False,
            maxsize=_QUEUED_BATCHES,
        )

        async def agent(stream: Any) -> None:
            async for batch in stream:
                lanes.put(batch)

        name = f"{self.conf.id}.{handler.__name__}"
        self.agent(channel, name=name, concurrency=1)(agent)


def new_app(app_id: str, hop: Hop, settings: Settings) -> HopApp:
    """Build the Faust app of one hop from the service's settings."""
    brokers = settings.bootstrap_servers.split(",")
    app = HopApp(
        app_id,
        broker=[f"kafka://{broker.strip()}" for broker in brokers],
        broker_credentials=broker_credentials(settings),
        broker_client_id=app_id,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 10,
        broker_request_timeout=max(settings.session_timeout_seconds * 2, 60),
        broker_commit_interval=settings.commit_interval_seconds,
        broker_max_poll_records=None,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.group_instance_id,
        producer_acks=-1,
        producer_compression_type=settings.producer_compression,
        producer_max_request_size=settings.max_request_bytes,
        producer_max_batch_size=min(settings.producer_batch_bytes, settings.max_message_bytes),
        store="rocksdb://" if settings.data_dir else "memory://",
        datadir=(settings.data_dir or Path()) / app_id,
        autodiscover=False,
        web_enabled=False,
        web_in_thread=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=True,
        stream_recovery_delay=0.0,
        stream_buffer_maxsize=_QUEUED_CHANGELOG_BATCHES,
        worker_redirect_stdouts=False,
    )
    app.hop = hop
    app.keeps_files = settings.data_dir is not None
    return app
