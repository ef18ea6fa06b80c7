"""Which of the skipped records are looked at after all, so that a wrong skip is noticed."""

import random
import time
from collections.abc import Callable

_BURST_SECONDS = 1.0


class Sampler:
    """Draws records at random, and not more of them a second than may be afforded.

    The rate alone would draw too few from a trickle or too many from a backlog: it is meant to
    be generous, and the budget caps what it costs.

    Args:
        rate: share of the skipped records, 0 (none) to 1 (all).
        per_second: the budget.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        rate: float = 0.01,
        per_second: float = 50.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._rate = rate
        self._per_second = per_second
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311  (no secret hangs on it)
        self._budget = max(1.0, per_second * _BURST_SECONDS)
        self._at = clock()
        self._to_go = self._gap()

    def draws(self, skipped: int) -> bool:
        """Whether one of the next `skipped` records is to be looked at, and may be."""
        self._to_go -= skipped
        if self._to_go > 0:
            return False
        self._to_go = self._gap()
        now = self._clock()
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
