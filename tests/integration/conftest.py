"""Fixtures of the integration tests: systems under test that clean up after themselves."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from stream_app.pipeline.decide import Decider
from stream_app.policy.load import load_policies
from tests.integration.harness import System


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long repetitions out, unless `-m` asks for them."""
    if "chaos" in config.getoption("markexpr"):
        return
    chaos = [item for item in items if item.get_closest_marker("chaos")]
    if chaos:
        config.hook.pytest_deselected(items=chaos)
        items[:] = [item for item in items if item not in chaos]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests that are marked so with either scan, unless one was asked for."""
    asked = metafunc.config.getoption("--scan")
    if metafunc.definition.get_closest_marker("both_scans") and asked is None:
        metafunc.parametrize("scan", ["batch", "plain"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def scan(request: pytest.FixtureRequest) -> str:
    """How workers read the core topic."""
    return getattr(request, "param", None) or request.config.getoption("--scan") or "batch"


MakeSystem = Callable[..., Awaitable[System]]


@pytest.fixture
async def make_system(
    kafka: str, unique: str, tmp_path: Path, scan: str
) -> AsyncIterator[MakeSystem]:
    """Make systems, each with topics and groups of its own; settings by name."""
    made: list[System] = []

    async def make(**overrides: Any) -> System:
        word = f"it-{unique}-{len(made)}"
        folder = tmp_path / word
        folder.mkdir()
        system = await System.create(kafka, word, folder, **({"scan": scan} | overrides))
        made.append(system)
        return system

    yield make
    for system in made:
        await system.close()


@pytest.fixture
async def system(make_system: MakeSystem) -> System:
    """A system with the settings that most tests want, and no worker yet."""
    return await make_system()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    kafka: str, tmp_path_factory: pytest.TempPathFactory, scan: str
) -> AsyncIterator[System]:
    """One system with one worker for all tests of a module, each with members of its own."""
    word = f"it-{uuid.uuid4().hex[:12]}"
    system = await System.create(
        kafka,
        word,
        tmp_path_factory.mktemp(word),
        scan=scan,
        # As brokers before 4.0 were by default, and topics made on them still are.
        claims_config={"message.timestamp.after.max.ms": str(2**63 - 1)},
    )
    try:
        await system.start()
        yield system
        assert await system.workers[0].stop() == 0, system.tails()
    finally:
        await system.close()


@pytest.fixture(scope="session")
def decider() -> Decider:
    """The decider that a worker with default settings has."""
    return Decider(load_policies(None))
