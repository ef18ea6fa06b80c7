"""What the worker touches of Faust and aiokafka that is not theirs to promise.

`stream_app/worker/{transport,tables,hop,faust_app,outbox}.py` override and call internals of two
pinned packages. Here stands each of them: that it exists, how it is called, and, where the worker
relies on what it does and in which order, a fingerprint of its source. A failure means that an
upgrade has moved something; its message says what the worker relies on and what to look at again
before the pin and the fingerprint are changed.
"""

import hashlib
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, client
from aiokafka.consumer import fetcher, group_coordinator, subscription_state
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator
from faust import channels
from faust.app import base as app_base
from faust.stores import memory, rocksdb
from faust.tables import base as tables_base
from faust.tables import manager, recovery
from faust.transport import conductor, consumer
from faust.transport.drivers import aiokafka as driver
from mode import services
from mode.utils import queues

PINNED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}


def fingerprint(function: Any) -> str:
    """Of a function's source; its layout does not count."""
    function = getattr(function, "fun", function)  # what mode makes of a background task
    source = " ".join(inspect.getsource(function).split())
    return hashlib.sha256(source.encode()).hexdigest()[:12]


class Source(NamedTuple):
    """A function whose behaviour the worker relies on."""

    function: Callable[..., Any]
    fingerprint: str
    relied_on: str


class Shape(NamedTuple):
    """A function that the worker overrides or calls."""

    function: Callable[..., Any]
    parameters: str
    relied_on: str


SOURCES = {
    "recovery.on_recovery_completed": Source(
        recovery.Recovery.on_recovery_completed,
        "861bcb7bfde2",
        "streams are resumed before they are sought, and on_rebalance_end comes last: the gate",
    ),
    "recovery._resume_streams": Source(
        recovery.Recovery._resume_streams,
        "e841a9bf6c72",
        "the same order where there are no tables (scope): the gate",
    ),
    "recovery._restart_recovery": Source(
        recovery.Recovery._restart_recovery,
        "3aa9414b3185",
        "reads changelogs while streams are paused; a buffer size of 1 would resume them for good",
    ),
    "recovery._slurp_changelogs": Source(
        recovery.Recovery._slurp_changelogs,
        "6f37174015c8",
        "one event may be a batch whose offset is its last record's; buffers are applied in order",
    ),
    "recovery.on_rebalance": Source(
        recovery.Recovery.on_rebalance,
        "23169b7f9f5b",
        "kept partitions are read on from where recovery left them: rows written live come again",
    ),
    "consumer.getmany": Source(
        consumer.Consumer.getmany,
        "1b41be7cf1f1",
        "drops what it holds when the generation changed, and seeks when the flow is not active",
    ),
    "consumer._drain_messages": Source(
        consumer.Consumer._drain_messages,
        "30fba6e560f1",
        "drops messages below _read_offset; a gap matters only where acks are enabled",
    ),
    "consumer._wait_next_records": Source(
        consumer.Consumer._wait_next_records,
        "1f67795402ab",
        "hands over Faust's live set of active partitions: a snapshot is taken of it",
    ),
    "consumer.perform_seek": Source(
        consumer.Consumer.perform_seek,
        "8c88bc25f247",
        "takes read offsets from what seek_to_committed returns",
    ),
    "consumer.commit": Source(
        consumer.Consumer.commit,
        "3182283665bd",
        "one commit at a time, through force_commit",
    ),
    "consumer.on_partitions_revoked": Source(
        consumer.Consumer.on_partitions_revoked,
        "2550a9105d4c",
        "returns only after the app has waited for streams (wait_empty): then the ledger forgets",
    ),
    "consumer.on_stop": Source(
        consumer.Consumer.on_stop,
        "4f46cc44f20c",
        "wait_empty, and so the last commit, comes before the consumer thread is stopped",
    ),
    "app._on_partitions_revoked": Source(
        app_base.App._on_partitions_revoked,
        "0179134ab901",
        "stops the flow, clears the queues, then waits for streams",
    ),
    "app._stop_consumer": Source(
        app_base.App._stop_consumer,
        "61a44207b1da",
        "at a stop: fetcher first, then streams, then tables",
    ),
    "app.on_rebalance_end": Source(
        app_base.App.on_rebalance_end,
        "a8b45088928c",
        "the word that a rebalance is over, on which the gate opens",
    ),
    "driver.on_partitions_revoked": Source(
        driver.ConsumerRebalanceListener.on_partitions_revoked,
        "dde7584f17c0",
        "a plain function: what it does at once happens before any fetch can run",
    ),
    "driver.on_partitions_assigned": Source(
        driver.ConsumerRebalanceListener.on_partitions_assigned,
        "03a515a25ccf",
        "sets the app's generation before anything of the new assignment runs",
    ),
    "driver._commit": Source(
        driver.AIOKafkaConsumerThread._commit,
        "f4f95a22defe",
        "False where the broker refused; True only after it accepted; crashes otherwise",
    ),
    "driver._fetch_records": Source(
        driver.AIOKafkaConsumerThread._fetch_records,
        "17bb4a98ab83",
        "what the worker replaces: what else it began to do must be done there, too",
    ),
    "driver.seek_to_committed": Source(
        driver.AIOKafkaConsumerThread.seek_to_committed,
        "fd3fb55f0424",
        "what the worker replaces: it leaves partitions without a commit where they are",
    ),
    "driver._create_worker_consumer": Source(
        driver.AIOKafkaConsumerThread._create_worker_consumer,
        "5fd89148e582",
        "does not set isolation level and fetch sizes, which the worker sets afterwards",
    ),
    "memory.on_recovery_completed": Source(
        memory.Store.on_recovery_completed,
        "d180d3a8b22b",
        "drops the rows of partitions that are another worker's, by _key_partition",
    ),
    "FlowControlEvent.resume": Source(
        queues.FlowControlEvent.resume,
        "dd0f4a4b9727",
        "clears the queues: why nothing may be handed out before the rebalance is over",
    ),
    "fetcher.fetched_records": Source(
        fetcher.Fetcher.fetched_records,
        "c9d369de9e88",
        "what the worker does by itself: pop from _records, notify _wait_consume_future, wait",
    ),
    "fetcher._fetch_requests_routine": Source(
        fetcher.Fetcher._fetch_requests_routine,
        "6c610471e286",
        "fetches again once _wait_consume_future is notified",
    ),
    "service._execute_task": Source(
        services.Service._execute_task,
        "8e3c8ee7a75a",
        "what is given to add_future and fails crashes the app: a lane's failure stops the worker",
    ),
    "FetchResult.getall": Source(
        fetcher.FetchResult.getall,
        "815c9360e720",
        "returns nothing and moves nothing where the fetch is stale; else moves the position",
    ),
    "FetchResult.check_assignment": Source(
        fetcher.FetchResult.check_assignment,
        "a9431a4eec2e",
        "a fetch is stale where the position is no longer the one that it was made for",
    ),
    "PartitionRecords._unpack_records": Source(
        fetcher.PartitionRecords._unpack_records,
        "a1a4606e6aac",
        "what worker/scan/batch_walk.py does by itself: checksums, markers, aborted transactions, "
        "and the position behind each batch",
    ),
    "PartitionRecords._consume_aborted_up_to": Source(
        fetcher.PartitionRecords._consume_aborted_up_to,
        "3cc40ed7e9e3",
        "a producer's transactions count as aborted from the first offset that the broker named",
    ),
    "PartitionRecords._contains_abort_marker": Source(
        fetcher.PartitionRecords._contains_abort_marker,
        "ba5723865f2b",
        "a transaction ends with a control batch whose first record says so",
    ),
    "Fetcher._proc_fetch_request": Source(
        fetcher.Fetcher._proc_fetch_request,
        "074d9f91c524",
        "makes one FetchResult of each partition that brought a whole batch; its bytes are kept",
    ),
    "coordinator._on_join_prepare": Source(
        group_coordinator.GroupCoordinator._on_join_prepare,
        "52c9c084bcf7",
        "begins the reassignment, then calls on_partitions_revoked and awaits it before it joins",
    ),
    "coordinator._heartbeat_routine": Source(
        group_coordinator.GroupCoordinator._heartbeat_routine,
        "dae65a48ddd1",
        "leaves the group where fetcher_idle_time exceeds max_poll_interval",
    ),
    "subscription.fetch_context": Source(
        subscription_state.SubscriptionState.fetch_context,
        "c39b3eac9b4a",
        "counts as polling while inside, and for max_poll_interval afterwards",
    ),
}

SHAPES = {
    "thread._fetch_records": Shape(
        driver.AIOKafkaConsumerThread._fetch_records,
        "(self, consumer, active_partitions, timeout, max_records)",
        "overridden",
    ),
    "thread.seek_to_committed": Shape(
        driver.AIOKafkaConsumerThread.seek_to_committed, "(self)", "overridden"
    ),
    "thread._create_worker_consumer": Shape(
        driver.AIOKafkaConsumerThread._create_worker_consumer, "(self, transport)", "overridden"
    ),
    "thread._ensure_consumer": Shape(
        driver.AIOKafkaConsumerThread._ensure_consumer, "(self)", "aiokafka's consumer, started"
    ),
    "thread.highwater": Shape(
        driver.AIOKafkaConsumerThread.highwater, "(self, tp)", "where a partition ends: lag"
    ),
    "consumer._is_changelog_tp": Shape(
        consumer.Consumer._is_changelog_tp, "(self, tp)", "changelogs are read as Faust reads them"
    ),
    "thread.call_thread": Shape(
        driver.AIOKafkaConsumerThread.call_thread,
        "(self, fun, *args, **kwargs)",
        "runs the seek on the consumer's own loop",
    ),
    "consumer._new_consumer_thread": Shape(
        driver.Consumer._new_consumer_thread, "(self)", "overridden"
    ),
    "consumer._to_message": Shape(driver.Consumer._to_message, "(self, tp, record)", "overridden"),
    "consumer.force_commit": Shape(
        consumer.Consumer.force_commit, "(self, topics, start_new_transaction)", "overridden"
    ),
    "consumer.wait_empty": Shape(consumer.Consumer.wait_empty, "(self)", "overridden"),
    "consumer.on_partitions_revoked": Shape(
        consumer.Consumer.on_partitions_revoked, "(self, revoked)", "overridden"
    ),
    "consumer.verify_all_partitions_active": Shape(
        consumer.Consumer.verify_all_partitions_active, "(self)", "overridden"
    ),
    "producer._settings_extra": Shape(driver.Producer._settings_extra, "(self)", "overridden"),
    "producer._ensure_producer": Shape(
        driver.Producer._ensure_producer, "(self)", "the aiokafka producer that outboxes use"
    ),
    "app._new_transport": Shape(app_base.App._new_transport, "(self)", "overridden"),
    "app._new_producer_transport": Shape(
        app_base.App._new_producer_transport, "(self)", "overridden"
    ),
    "app._new_producer": Shape(app_base.App._new_producer, "(self)", "overridden"),
    "app._create_directories": Shape(app_base.App._create_directories, "(self)", "overridden"),
    "table.apply_changelog_batch": Shape(
        tables_base.Collection.apply_changelog_batch, "(self, batch)", "overridden"
    ),
    "rocksdb._db_for_partition": Shape(
        rocksdb.Store._db_for_partition, "(self, partition)", "called"
    ),
    "rocksdb.set_persisted_offset": Shape(
        rocksdb.Store.set_persisted_offset, "(self, tp, offset)", "called"
    ),
    "worker._say": Shape(faust.Worker._say, "(self, msg, file, end, **kwargs)", "silenced"),
    "worker._setproctitle": Shape(faust.Worker._setproctitle, "(self, info, *, ident)", "silenced"),
    "kafka.send_batch": Shape(
        AIOKafkaProducer.send_batch, "(self, batch, topic, *, partition)", "called"
    ),
    "kafka.create_batch": Shape(AIOKafkaProducer.create_batch, "(self)", "called"),
    "batch.append": Shape(
        BatchBuilder.append, "(self, *, timestamp, key, value, headers)", "called"
    ),
    "kafka.committed": Shape(AIOKafkaConsumer.committed, "(self, partition)", "called"),
    "kafka.beginning_offsets": Shape(
        AIOKafkaConsumer.beginning_offsets, "(self, partitions)", "called"
    ),
    "kafka.seek": Shape(AIOKafkaConsumer.seek, "(self, partition, offset)", "called; no await"),
    "accumulator.reenqueue": Shape(
        MessageAccumulator.reenqueue, "(self, batch)", "replaced: counts what is sent once more"
    ),
    "fetcher._create_fetch_waiter": Shape(fetcher.Fetcher._create_fetch_waiter, "(self)", "called"),
    "fetcher._notify": Shape(fetcher.Fetcher._notify, "(self, future)", "called"),
}


@pytest.mark.parametrize("package", PINNED)
def test_version_is_the_pinned_one(package: str) -> None:
    assert version(package) == PINNED[package], (
        f"{package} is {version(package)}, the worker was read against {PINNED[package]}: go "
        "through every entry of this file before you change the pin"
    )


@pytest.mark.parametrize("name", SOURCES)
def test_source_is_the_one_that_was_read(name: str) -> None:
    source = SOURCES[name]
    found = fingerprint(source.function)
    assert found == source.fingerprint, (
        f"{source.function.__module__}.{source.function.__qualname__} has changed (now {found}). "
        f"The worker relies on this: {source.relied_on}. Read it again, and the worker with it."
    )


@pytest.mark.parametrize("name", SHAPES)
def test_signature_is_the_one_that_is_used(name: str) -> None:
    shape = SHAPES[name]
    signature = inspect.signature(shape.function)
    bare = signature.replace(
        parameters=[
            p.replace(annotation=inspect.Parameter.empty, default=inspect.Parameter.empty)
            for p in signature.parameters.values()
        ],
        return_annotation=inspect.Signature.empty,
    )
    assert str(bare) == shape.parameters, (
        f"{shape.function.__module__}.{shape.function.__qualname__} takes {bare} now, the worker "
        f"has {shape.parameters} ({shape.relied_on}): look where it is used"
    )


ATTRIBUTES: list[tuple[Callable[..., Any], list[str], str]] = [
    (
        AIOKafkaConsumer.__init__,
        [
            "self._isolation_level",
            "self._fetch_max_bytes",
            "self._max_partition_fetch_bytes",
            "self._fetch_max_wait_ms",
            "self._closed",
        ],
        "Hop.prepare_consumer sets these before the consumer starts",
    ),
    (
        AIOKafkaConsumer.start,
        [
            "self._isolation_level",
            "self._fetch_max_bytes",
            "self._max_partition_fetch_bytes",
            "self._fetch_max_wait_ms",
        ],
        "they are read at the start, not before",
    ),
    (
        fetcher.Fetcher.__init__,
        ["self._records", "self._wait_consume_future", "self._closed", "self._subscriptions"],
        "the worker takes fetches out of these by itself",
    ),
    (fetcher.FetchResult.__init__, ["self._assignment"], "tells the position before and after"),
    (consumer.Consumer.__init__, ["self._read_offset"], "set where the worker seeks"),
    (
        fetcher.FetchResult.__init__,
        ["self._topic_partition", "self._partition_records"],
        "whose bytes a fetch is, and what getall would read",
    ),
    (
        fetcher.PartitionRecords.__init__,
        [
            "self._records",
            "self._records_iterator",
            "self._aborted_transactions",
            "self._aborted_producers",
            "self._check_crcs",
            "self._isolation_level",
            "self.next_fetch_offset",
        ],
        "the rules of a fetch, and what is carried from one message format to the next",
    ),
    (AIOKafkaConsumer.__init__, ["self._subscription"], "where each partition ends"),
    (AIOKafkaConsumer.start, ["self._coordinator = GroupCoordinator("], "its generation"),
    (group_coordinator.GroupCoordinator.__init__, ["self.generation"], "of the seek"),
    (memory.Store.__post_init__, ["self._key_partition"], "rows go with their partition"),
    (rocksdb.Store.__init__, ["self._dbs"], "rows are counted in the databases that are open"),
    (AIOKafkaProducer.__init__, ["self._message_accumulator"], "retries are counted there"),
    (client.AIOKafkaClient.__init__, ["self._conns"], "the connections that fetches come by"),
]


@pytest.mark.parametrize(("function", "names", "why"), ATTRIBUTES)
def test_attribute_is_there(function: Callable[..., Any], names: list[str], why: str) -> None:
    source = inspect.getsource(function)
    missing = [name for name in names if name not in source]
    assert not missing, f"{function.__qualname__} no longer has {missing}: {why}"


def test_classes_are_replaceable_where_the_worker_replaces_them() -> None:
    """Faust builds consumer and producer from class attributes of the transport."""
    assert driver.Transport.Consumer is driver.Consumer
    assert driver.Transport.Producer is driver.Producer
    assert driver.Consumer.RebalanceListener is driver.ConsumerRebalanceListener
    assert issubclass(channels.Channel, channels.ChannelT)
    assert manager.TableManager.changelog_queue is not None
    assert "rebalancing" in inspect.getsource(conductor.Conductor)
