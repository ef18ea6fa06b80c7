"""Load whose right outcome is known: a seeded population, fed while workers come and go."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from stream_app.pipeline.decide import Decider
from stream_app.synthetic.population import Event, Plan, Population, Stream, Truth
from tests.integration.harness import System
from tests.integration.oracle import Fed, faults_of_decisions, faults_of_ids, source_of

CHUNK = 100


@dataclass
class Load:
    """Events to feed into one system, and the oracle over what comes out of it."""

    system: System
    decider: Decider
    events: list[Event]
    truth: Truth
    fed: Fed = field(default_factory=Fed)
    history_first: bool = False

    @classmethod
    def of(
        cls, system: System, decider: Decider, *, seed: int, claims: int, incidence: float = 0.25
    ) -> "Load":
        population = Population(
            Plan(seed=seed, claims=claims, incidence=incidence, poison=0.01, near_misses=0.02)
        )
        events = list(population)
        return cls(system, decider, events, population.truth)

    def of_stream(self, stream: Stream) -> list[Event]:
        return [event for event in self.events if event.stream is stream]

    async def feed_all(self, *, pause: float = 0.0) -> None:
        """Histories and claims in the population's own order."""
        await self._feed(self.events, pause)

    async def feed_part(self, begin: float, end: float) -> None:
        """The same from one share of the events to another."""
        count = len(self.events)
        await self._feed(self.events[round(begin * count) : round(end * count)], 0.0)

    async def feed_histories(self) -> None:
        """All histories, and wait until they are on file: then each claim has one right answer."""
        await self._feed(self.of_stream(Stream.HISTORY), 0.0)
        await self.system.settled()
        self.history_first = True

    async def feed_claims(self, *, pause: float = 0.0) -> None:
        await self._feed(self.of_stream(Stream.CLAIMS), pause)

    async def _feed(self, events: Iterable[Event], pause: float) -> None:
        s = self.system.settings
        topics = {Stream.CLAIMS: s.claims_topic, Stream.HISTORY: s.history_in_topic}
        waiting = list(events)
        for start in range(0, len(waiting), CHUNK):
            chunk = waiting[start : start + CHUNK]
            for stream, topic in topics.items():
                mine = [event for event in chunk if event.stream is stream]
                places = await self.system.feed(topic, [(event.key, event.value) for event in mine])
                for place, event in zip(places, mine, strict=True):
                    if stream is Stream.CLAIMS:
                        self.fed.claims[place] = event.value
                    else:
                        self.fed.history(event.value)
            await asyncio.sleep(pause)

    # -- the oracle ---------------------------------------------------------------------

    async def faults(self) -> list[str]:
        decisions, letters = await self.system.decisions(), await self.system.dead_letters()
        return faults_of_ids(self.truth, decisions, letters) + faults_of_decisions(
            self.decider, self.fed, decisions, history_first=self.history_first
        )

    async def holds(self) -> None:
        """Wait until every id that went in came out; then nothing may be wrong with any of it."""

        async def complete() -> bool:
            decided = {out.event["claim_id"] for out in await self.system.decisions()}
            dead = {out.record.key for out in await self.system.dead_letters()}
            expected = {k for k, m in self.truth.malformed_claims.items() if m.scan_sees}
            return (
                self.truth.decided <= decided
                and expected | set(self.truth.malformed_history) <= dead
            )

        try:
            await self.system.until(complete, "every id that went in came out")
        except AssertionError as failure:
            raise AssertionError("\n".join([*await self.faults(), str(failure)])) from None
        await self.system.settled()
        assert await self.faults() == []

    async def decided_twice(self) -> int:
        """How many events were decided more than once: at least once is what is promised."""
        times = Counter(source_of(out) for out in await self.system.decisions())
        return sum(count > 1 for count in times.values())

    async def some_decided(self, count: int) -> None:
        """Wait until the worker is well under way."""

        async def enough() -> bool:
            return len(await self.system.decisions()) >= count

        await self.system.until(enough, f"{count} decisions are there")
