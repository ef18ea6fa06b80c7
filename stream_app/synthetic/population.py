"""A whole population: ordinary claims, in-scope stories and poison, in one reproducible order."""

import heapq
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from random import Random

import orjson
from msgspec import Struct

from stream_app.errors import UsageError
from stream_app.synthetic import ordinary
from stream_app.synthetic.event import Event, Kind, Stream, Truth
from stream_app.synthetic.poison import POISONS, Poison
from stream_app.synthetic.scenarios import Era, Line, Scenario, Transplant, scenarios
from stream_app.synthetic.story import REACH, Story, Storyteller, Timed

__all__ = ["Event", "Plan", "Population", "Stream", "Truth"]

FIRST_VERSION, SECOND_VERSION = date(2023, 6, 28), date(2024, 10, 1)
MOST_CLAIMS = 99_999_999
SMALL = 20_000


class Plan(Struct, frozen=True):
    """What to make. Rates are shares of all claim events, met exactly (rounded to whole events)."""

    seed: int = 1
    claims: int = 200_000
    incidence: float = 0.001
    poison: float = 0.0001
    near_misses: float = 0.0001
    start: date = date(2023, 4, 1)
    end: date = date(2025, 9, 30)
    """First and last day of service."""

    def check(self) -> None:
        """Refuses what cannot be made.

        Raises:
            UsageError: naming the first fault.
        """
        if not 0 <= self.seed < 2**32:
            raise UsageError("seed must be between 0 and 4294967295")
        if not 0 <= self.claims <= MOST_CLAIMS:
            raise UsageError(f"claims must be between 0 and {MOST_CLAIMS}")
        for name in ("incidence", "poison", "near_misses"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name.replace('_', '-')} must be a share between 0 and 1")
        if self.incidence + self.poison + self.near_misses > 1:
            raise UsageError("incidence, poison and near-misses together must not exceed 1")
        if self.end < self.start:
            raise UsageError("the last day of service is before the first")
        if self.start < date(2020, 1, 1) or self.end > date(2099, 12, 31):
            raise UsageError("days of service must lie between 2020-01-01 and 2099-12-31")


class Population:
    """Events in the order in which producers would send them; `truth` grows as they are taken.

    Claims and histories of one population come interleaved: a history may arrive long before its
    claim or only after it. The same plan gives the same bytes.
    """

    def __init__(self, plan: Plan) -> None:
        plan.check()
        self.plan = plan
        self.truth = Truth()
        self._possible = [s for s in scenarios() if self._window(s) is not None]

    def __iter__(self) -> Iterator[Event]:
        """Hands out all events, from the first; starts `truth` anew."""
        plan, truth = self.plan, Truth()
        self.truth = truth
        rng = Random(f"{plan.seed}/order")
        members = max(1_000, plan.claims // 6)
        teller = Storyteller(Random(f"{plan.seed}/stories"), plan.seed, members)
        scope = round(plan.claims * plan.incidence) if self._possible else 0
        poison, near = round(plan.claims * plan.poison), round(plan.claims * plan.near_misses)
        timeline = self._timeline(scope, teller)
        poisoned = self._poisoned(teller)
        near_miss = self._near_misses(members)
        ordinary_claims = self._ordinary(members)
        special = min(scope + poison + near, plan.claims)
        done = 0
        for place in sorted(rng.sample(range(plan.claims), special)):
            yield from islice(ordinary_claims, place - done)
            done = place + 1
            pick = rng.randrange(scope + poison + near)
            if pick < scope:
                scope -= 1
                for event in timeline:
                    yield event
                    if event.stream is Stream.CLAIMS:
                        break
            elif pick < scope + poison:
                poison -= 1
                yield from next(poisoned)
            else:
                near -= 1
                yield next(near_miss)
        yield from islice(ordinary_claims, plan.claims - done)
        truth.claims = plan.claims
        yield from timeline

    def _ordinary(self, members: int) -> Iterator[Event]:
        seed, rng = self.plan.seed, Random(f"{self.plan.seed}/ordinary")
        pool = ordinary.POOL if self.plan.claims > SMALL else ordinary.SMALL_POOL
        templates = ordinary.templates(rng, seed, pool)
        calendar = ordinary.calendar(rng, self.plan.start, self.plan.end, pool)
        key = f"{ordinary.ids(seed, 'C')}%09d".encode()
        last = pool - 1
        bits, claims, kind = rng.getrandbits, Stream.CLAIMS, Kind.ORDINARY
        for number in range(self.plan.claims):
            # One draw a claim: 12 bits choose the template, 12 the dates, the rest the member.
            drawn = bits(56)
            value = templates[drawn & last].fill(
                number, (drawn >> 24) % members, calendar[(drawn >> 12) & last]
            )
            yield Event(claims, key % number, value, kind)

    def _near_misses(self, members: int) -> Iterator[Event]:
        seed, rng = self.plan.seed, Random(f"{self.plan.seed}/near")
        templates = ordinary.near_misses(rng, seed)
        for number in range(800_000_000, 900_000_000):
            chosen = templates[number % len(templates)]
            dates = ordinary.dates(rng, self._day(rng, self.plan.start, self.plan.end))
            value = chosen.fill(number, rng.randrange(members), dates)
            key = f"{ordinary.ids(seed, 'C')}{number}".encode()
            yield Event(Stream.CLAIMS, key, value, Kind.NEAR_MISS)

    def _timeline(self, claims: int, teller: Storyteller) -> Iterator[Event]:
        """In-scope stories woven into one another, with exactly that many claim events."""
        rng = Random(f"{self.plan.seed}/scenarios")
        waiting: list[tuple[float, int, Timed]] = []
        pushed = number = 0
        while claims:
            story = self._next_story(rng, teller, number, claims)
            claims -= story.claims()
            self.truth.standing[story.claim_id] = story.scenario
            if story.decides:
                self.truth.decided.add(story.claim_id)
            for timed in story.events:
                pushed += 1
                heapq.heappush(waiting, (timed.at, pushed, timed))
            number += 1
            # Nothing that later stories bring can arrive before this.
            while waiting and waiting[0][0] < number - REACH:
                yield self._counted(heapq.heappop(waiting)[2].event)
        while waiting:
            yield self._counted(heapq.heappop(waiting)[2].event)

    def _next_story(self, rng: Random, teller: Storyteller, number: int, room: int) -> Story:
        fitting = [s for s in self._possible if room > 1 or not s.earlier]
        if number < len(self._possible):  # every scenario once, before chance decides
            scenario = self._possible[number]
            if scenario not in fitting:
                scenario = fitting[0]
        else:
            scenario = rng.choices(fitting, [s.weight for s in fitting])[0]
        window = self._window(scenario)
        assert window is not None
        return teller.tell(scenario, number, self._day(rng, *window), once=room < 2)

    def _poisoned(self, teller: Storyteller) -> Iterator[list[Event]]:
        """Broken events: claims in turn, and with each claim now and then a broken history."""
        rng = Random(f"{self.plan.seed}/poison")
        of_claims = [p for p in POISONS if p.stream is Stream.CLAIMS]
        of_history = [p for p in POISONS if p.stream is Stream.HISTORY]
        service = max(self.plan.start, min(date(2024, 11, 5), self.plan.end))
        for number in range(100_000_000):
            claim_id = f"{ordinary.ids(self.plan.seed, 'C')}7{number:08d}"
            member = f"{ordinary.ids(self.plan.seed, 'M')}7{number:08d}"
            claim = teller.claim((Line(),), claim_id, member, service, service + timedelta(9))
            events = [self._broken(of_claims[number % len(of_claims)], claim_id, claim)]
            if rng.random() < 0.5 or number < len(of_history):
                record_id = f"{ordinary.ids(self.plan.seed, 'T')}7{number:08d}"
                record = teller.upsert(member, record_id, Transplant(), service, service)
                events.append(self._broken(of_history[number % len(of_history)], record_id, record))
            yield events

    def _broken(self, poison: Poison, key: str, event: dict[str, object]) -> Event:
        malformed = self.truth.malformed_claims
        if poison.stream is Stream.HISTORY:
            malformed = self.truth.malformed_history
        malformed[key.encode()] = poison.expected
        spoiled = poison.spoil(orjson.loads(orjson.dumps(event)))
        return self._counted(Event(poison.stream, key.encode(), spoiled, Kind.POISON))

    def _counted(self, event: Event) -> Event:
        self.truth.history += event.stream is Stream.HISTORY
        return event

    def _window(self, scenario: Scenario) -> tuple[date, date] | None:
        """The days of service on which a scenario can play, if the plan leaves any."""
        eve, last = FIRST_VERSION - timedelta(1), SECOND_VERSION - timedelta(1)
        low, high = {
            Era.ANY: (FIRST_VERSION, date.max),
            Era.BEFORE: (date.min, eve),
            Era.FIRST: (FIRST_VERSION, last),
            Era.SECOND: (SECOND_VERSION, date.max),
        }[scenario.era]
        if scenario.on is not None:
            low = high = scenario.on
        low, high = max(low, self.plan.start), min(high, self.plan.end)
        return (low, high) if low <= high else None

    @staticmethod
    def _day(rng: Random, low: date, high: date) -> date:
        return low + timedelta(rng.randrange((high - low).days + 1))
