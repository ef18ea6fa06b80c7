"""The worker over TLS, with a certificate or a password of its own, and over a broker's death."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer

from stream_app.local_kafka import start, stop
from stream_app.local_kafka.broker import status
from stream_app.local_kafka.server_properties import Secured
from stream_app.pipeline.decide import Decider
from stream_app.worker.scan import BatchScanner
from stream_app.worker.scan.chunked_reader import ChunkedReader
from tests.integration.events import out_of_scope
from tests.integration.harness import System
from tests.integration.load import Load
from tests.integration.secure import (
    PASSWORD,
    Certificates,
    add_user,
    client_context,
    make_certificates,
    secured,
    settings_for,
)
from tests.integration.test_scan_real_batches import Reader

FILLING = 6_000
"""Claims out of scope that make fetches of megabytes: about a kilobyte each, not compressed."""


class Cluster(NamedTuple):
    """A broker of this module's own."""

    data: Path
    bootstrap_servers: str
    """Of the door in the clear, for the test itself."""
    doors: Secured
    certificates: Certificates

    def kill(self) -> None:
        broker = status(self.data).broker
        assert broker is not None
        os.kill(broker.pid, signal.SIGKILL)

    def start_again(self) -> None:
        stop(self.data)  # what is left of it: the record of what ran
        port = int(self.bootstrap_servers.rpartition(":")[2])
        start(self.data, port=port, die_with_parent=True, secured=self.doors)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    data = tmp_path_factory.mktemp("secured")
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    doors = secured(certificates)
    broker = start(data, die_with_parent=True, secured=doors)
    try:
        add_user(broker.bootstrap_servers)
        yield Cluster(data, broker.bootstrap_servers, doors, certificates)
    finally:
        stop(data)


@pytest.fixture
async def system(cluster: Cluster, unique: str, tmp_path: Path, scan: str) -> AsyncIterator[System]:
    made = await System.create(cluster.bootstrap_servers, f"it-{unique}", tmp_path, scan=scan)
    yield made
    await made.close()


def _door(cluster: Cluster, protocol: str) -> dict[str, str]:
    """The environment of a worker that comes through this door."""
    settings = settings_for(protocol, cluster.doors, cluster.certificates)
    return {f"CG_TRANS_03_{name.upper()}": str(value) for name, value in settings.items()}


async def _fill(system: System) -> None:
    """Claims out of scope before and between the others, in batches as large as they get."""
    async with AIOKafkaProducer(
        bootstrap_servers=system.settings.bootstrap_servers,
        linger_ms=100,
        max_batch_size=1_000_000,
    ) as producer:
        for number in range(FILLING):
            value = out_of_scope(number) + b" " * 700
            await producer.send(system.settings.claims_topic, value, partition=number % 3)
        await producer.flush()


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
async def test_everything_is_decided_when_read_through_a_secured_door(
    cluster: Cluster, system: System, decider: Decider, protocol: str
) -> None:
    """Both hops, consumers and producers; fetches of megabytes, which come in TLS's pieces."""
    load = Load.of(system, decider, seed=51, claims=800)
    await _fill(system)
    worker = await system.start(**_door(cluster, protocol))
    await load.feed_histories()
    await load.feed_claims()
    await _fill(system)
    await load.holds()
    fed = sum((await system.ends(system.settings.claims_topic)).values())
    claims = system.settings.claims_topic
    assert (
        worker.total("records_read_total", topic=claims) == fed == load.truth.claims + 2 * FILLING
    )
    assert await load.decided_twice() == 0
    assert await worker.stop() == 0, worker.tail()
    assert PASSWORD not in worker.log


async def test_large_fetches_are_whole_when_they_come_over_tls(
    cluster: Cluster, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader of large frames sits on a TLS stream, and brings what aiokafka's would.

    All of it by one connection: a client that lost its place would begin another, and get there.
    """
    adopted: list[ChunkedReader] = []
    adopt = ChunkedReader.adopt

    def noted(reader: asyncio.StreamReader) -> ChunkedReader | None:
        mine = adopt(reader)
        if mine is not None:
            adopted.append(mine)
        return mine

    monkeypatch.setattr(ChunkedReader, "adopt", noted)
    await _fill(system)
    config: dict[str, Any] = {
        "security_protocol": "SSL",
        "ssl_context": client_context(cluster.certificates),
        "max_partition_fetch_bytes": 4 << 20,
    }
    servers = settings_for("SSL", cluster.doors, cluster.certificates)["bootstrap_servers"]
    async with Reader(servers, system.settings.claims_topic, **config) as reader:
        results = await reader.all_scans(BatchScanner())
    assert len(adopted) == 1
    assert sum(result.seen for result in results) == sum(reader.ends.values()) > FILLING / 2
    assert max(result.wire_bytes for result in results) > 1 << 20


@pytest.mark.timeout(300)
async def test_everything_is_decided_when_the_broker_is_killed_amid_a_backlog(
    cluster: Cluster, system: System, decider: Decider
) -> None:
    """By SIGKILL, with fetches on their way; it comes back on the same doors."""
    load = Load.of(system, decider, seed=52, claims=4000)
    await _fill(system)
    await load.feed_all()
    for _ in range(3):
        await _fill(system)
    fed = sum((await system.ends(system.settings.claims_topic)).values())
    slowly = {
        "CG_TRANS_03_FETCH_MAX_PARTITION_BYTES": "65536",
        "CG_TRANS_03_MAX_IN_FLIGHT_BYTES": "65536",
    }
    worker = await system.start(**_door(cluster, "SASL_SSL"), **slowly)
    await load.some_decided(50)
    cluster.kill()
    await asyncio.sleep(3)
    assert 0 < worker.total("records_read_total", topic=system.settings.claims_topic) < fed
    cluster.start_again()
    await load.holds()
    assert worker.running, "the same worker, all the time"
    assert await worker.stop() == 0, worker.tail()
