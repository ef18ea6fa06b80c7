"""What every test may ask for: a real Kafka, topics of its own, a known environment."""

import asyncio
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import HealthCheck, settings

from stream_app.local_kafka import local_kafka

# Speed is never what a test decides by: the machine may be busy.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("default"), max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

MakeTopic = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scan",
        choices=["batch", "plain"],
        help="how the workers of all integration tests read claims; by default in batches, and "
        "both ways in the tests marked `both_scans`",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever needs the broker, so that `make test-unit` can leave it out."""
    for item in items:
        if "kafka" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the caller's own settings: a test sets those that it means."""
    for name in list(os.environ):
        if name.startswith("CG_TRANS_03_"):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real broker: KAFKA_BOOTSTRAP_SERVERS, or one of this run's own."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    with local_kafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def unique() -> str:
    """A word that no other test and no other run uses: for topics, groups and app ids."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def make_topic(kafka: str) -> MakeTopic:
    """Create a topic under a name of its own: ``make_topic("claims", partitions=3, **config)``.

    ``name=`` takes a name as it is. Dots in a config's name are written as underscores
    (``compression_type="lz4"``). Returns the topic's name.
    """

    def make(
        prefix: str = "t", *, partitions: int = 4, name: str | None = None, **config: str
    ) -> str:
        topic = name or f"{prefix}-{uuid.uuid4().hex[:12]}"
        configs = {key.replace("_", "."): value for key, value in config.items()}
        wanted = NewTopic(topic, partitions, 1, topic_configs=configs)
        # A thread of its own: the test may be inside a running event loop.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, _create(kafka, wanted)).result()
        return topic

    return make


async def _create(bootstrap_servers: str, topic: NewTopic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        reply = await admin.create_topics([topic], timeout_ms=30_000)
    finally:
        await admin.close()
    for name, code, *rest in reply.topic_errors:
        assert code == 0, f"topic {name}: error {code} {rest}"


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of this repository."""
    return Path(__file__).resolve().parent.parent
