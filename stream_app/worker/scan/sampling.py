"""Which of the skipped records are looked at after all, so that a wrong skip is noticed."""

import random
import time
from collections.abc import Callable

_BURST_SECONDS = 1.0
_FLOOR_SECONDS = 1.0


class Sampler:
    """Draws records at random, and not more of them a second than may be afforded.

    A share alone would draw too few from a trickle and too many from a backlog. So a partition
    that brings skipped records has one of them drawn about every second, whatever the share: who
    sends one claim in a hundred, over a dozen partitions, is met seven times a minute. The budget
    caps what both cost: a look takes about 0.13 ms, so a third of a hundredth of one core.

    Args:
        rate: share of the skipped records, 0 (none at all) to 1 (all).
        per_second: the budget.
        floor_seconds: how often each partition has its turn, on average.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        rate: float = 0.01,
        per_second: float = 25.0,
        floor_seconds: float = _FLOOR_SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._rate = rate
        self._per_second = per_second
        self._floor_seconds = floor_seconds
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311  (no secret hangs on it)
        self._budget = max(1.0, per_second * _BURST_SECONDS)
        self._at = clock()
        self._to_go = self._gap()
        self._turns: dict[int, float] = {}
        self._now, self._partition, self._is_due = self._at, -1, False

    def begin(self, partition: int) -> None:
        """A fetch of this partition comes next: its records are what is drawn from."""
        if self._rate:
            self._now, self._partition = self._clock(), partition
            self._is_due = self._now >= self._turns.get(partition, 0.0)

    def draws(self, skipped: int) -> bool:
        """Whether one of the next `skipped` records is to be looked at, and may be."""
        self._to_go -= skipped
        if self._to_go > 0 and not (self._is_due and skipped):
            return False
        if self._to_go <= 0:
            self._to_go = self._gap()
        now, self._is_due = self._now, False
        # Not every second sharp: no rhythm of a producer's shall hide from it.
        self._turns[self._partition] = now + self._rng.uniform(0.5, 1.5) * self._floor_seconds
        self._budget = min(
            max(1.0, self._per_second * _BURST_SECONDS),
            self._budget + (now - self._at) * self._per_second,
        )
        self._at = now
        if self._budget < 1.0:
            return False
        self._budget -= 1.0
        return True

    def position(self, start: int, stop: int) -> int:
        """A random position of a payload: the record that it lies in is the one to look at."""
        return self._rng.randrange(start, stop)

    def _gap(self) -> float:
        """How many records to let pass: exponential, so that no pattern of a producer hides."""
        return self._rng.expovariate(self._rate) if self._rate > 0 else float("inf")
