"""Tells from the brokers' own offsets whether everything has been read, done and committed."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from stream_app.demo.failure import DemoFailure
from stream_app.settings import Settings
from stream_app.worker.credentials import client_options

STALL_SECONDS = 45.0
"""Nothing committed for this long while records wait: something is wrong."""
_LOOK_SECONDS = 0.1


def places(settings: Settings, topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of topics of a run: it made them, all with one partition count."""
    return [
        TopicPartition(topic, number) for topic in topics for number in range(settings.partitions)
    ]


class Offsets:
    """Looks at ends of topics and at what the worker's groups have committed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = AIOKafkaAdminClient(**client_options(settings))
        self._consumer = AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def waiting(self) -> tuple[int, int]:
        """Records of (the first, the second) hop that are not committed yet.

        A batch is committed once all it caused is acknowledged. So when the first hop has nothing
        waiting, the second hop's input is complete; hence the order of the questions.
        """
        settings = self._settings
        first = await self._behind(
            settings.scope_group, (settings.claims_topic, settings.history_in_topic)
        )
        second = await self._behind(
            settings.adjudicate_group, (settings.in_scope_topic, settings.history_topic)
        )
        return first, second

    async def settled(self, still_runs: Callable[[], None]) -> None:
        """Waits until both hops have committed everything that is there.

        Args:
            still_runs: raises when the worker does not run any more.

        Raises:
            DemoFailure: records wait and nothing gets committed.
        """
        before, moved = (-1, -1), time.monotonic()
        while (now := await self.waiting()) != (0, 0):
            still_runs()
            if now != before:
                before, moved = now, time.monotonic()
            elif time.monotonic() - moved > STALL_SECONDS:
                raise DemoFailure(
                    f"nothing was committed for {STALL_SECONDS:.0f} s, with {now[0]:,} inbound "
                    f"and {now[1]:,} in-scope or history records waiting"
                )
            await asyncio.sleep(_LOOK_SECONDS)

    async def _behind(self, group: str, topics: Iterable[str]) -> int:
        partitions = places(self._settings, topics)
        # Committed first: what arrives in between counts as waiting.
        committed = await self._admin.list_consumer_group_offsets(group, partitions=partitions)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        done = {place: max(0, committed[place].offset) for place in committed}
        return sum(ends[place] - done.get(place, 0) for place in partitions)
