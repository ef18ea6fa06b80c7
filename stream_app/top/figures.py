"""From two looks at each worker to figures over all of them."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stream_app.top.scrape import Scrape

NOTHING = math.nan
"""A figure that is not known (yet)."""


@dataclass(frozen=True, slots=True)
class Look:
    """One worker, now and a moment ago (None at the first look, and after a silence)."""

    now: Scrape
    before: Scrape | None

    @property
    def seconds(self) -> float:
        return 0.0 if self.before is None else self.now.at - self.before.at

    def grown(self, name: str, **labels: str) -> float:
        """By how much a counter grew in between; one that began anew grew by what it has."""
        if self.before is None:
            return NOTHING
        now, before = self.now.total(name, **labels), self.before.total(name, **labels)
        return now - before if now >= before else now


class Figures:
    """Sums, rates and quantiles over the workers that answer."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self.looks = [look for look in looks if look.now.fault is None]

    def total(self, name: str, **labels: str) -> float:
        """The sum of a metric."""
        return sum((look.now.total(name, **labels) for look in self.looks), 0.0)

    def largest(self, name: str, **labels: str) -> float:
        """The greatest value of a metric; not known where there is none."""
        values = [s.value for look in self.looks for s in look.now.of(name, **labels)]
        known = [value for value in values if not math.isnan(value)]
        return max(known, default=NOTHING)

    def grown(self, name: str, **labels: str) -> float:
        """By how much a counter grew since the look before; not known at the first look."""
        known = [g for look in self.looks if not math.isnan(g := look.grown(name, **labels))]
        return sum(known) if known else NOTHING

    def rate(self, name: str, **labels: str) -> float:
        """How fast a counter grows, a second."""
        rates = [look.grown(name, **labels) / s for look in self.looks if (s := look.seconds) > 0]
        return sum(rates) if rates else NOTHING

    def share(self, part: str, whole: str) -> float:
        """What share of one counter's growth another one's is."""
        grown = self.grown(whole)
        return self.grown(part) / grown if grown > 0 else NOTHING

    def labels(self, name: str, label: str) -> list[str]:
        """The values that a label has, in order."""
        samples = (sample for look in self.looks for sample in look.now.of(name))
        return sorted({s.labels[label] for s in samples if label in s.labels})

    def quantile(self, q: float, name: str, **labels: str) -> float:
        """Of a histogram: of what came since the look before, or of all where nothing did.

        Args:
            q: 0 to 1.
            name: without `_bucket`.
            labels: which series.
        """
        recent: Counter[float] = Counter()
        ever: Counter[float] = Counter()
        for look in self.looks:
            now = _buckets(look.now, name, labels)
            ever.update(now)
            if look.before is not None:
                before = _buckets(look.before, name, labels)
                if now[math.inf] >= before[math.inf]:
                    now.subtract(before)
                recent.update(now)
        return _quantile(q, recent if recent[math.inf] > 0 else ever)


def _buckets(scrape: Scrape, name: str, labels: dict[str, str]) -> Counter[float]:
    """How many were at most that, by bound."""
    counts: Counter[float] = Counter()
    for sample in scrape.of(f"{name}_bucket", **labels):
        counts[float(sample.labels["le"])] += int(sample.value)
    return counts


def _quantile(q: float, counts: Counter[float]) -> float:
    """As Prometheus does it: even within a bucket; the last finite bound beyond it."""
    if counts[math.inf] <= 0:
        return NOTHING
    rank = q * counts[math.inf]
    low, below = 0.0, 0
    for bound, count in sorted(counts.items()):
        if count >= rank:
            if math.isinf(bound):
                return low
            inside = count - below
            return low + (bound - low) * ((rank - below) / inside if inside else 1.0)
        low, below = bound, count
    return low
