"""What a claim costs as the work grows: one factor at a time around the base case."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from benchmarks.claims import Shape
from benchmarks.cluster import Cluster
from benchmarks.measure import Result
from benchmarks.report import Report, gathered, table
from benchmarks.throughput import OURS, Throughput, check_names, faults

BASE = Shape("base")
_BATCH_BYTES = BASE.claim_bytes * BASE.batch_records


class Factor(msgspec.Struct, frozen=True):
    """One factor.

    Attributes:
        title: how people call it.
        field: which field of a shape it is.
        counts: how many claims are measured at each of its values.
        beside: a peer that is measured at the same values.
    """

    title: str
    field: str
    counts: Mapping[int | str, int]
    beside: str | None = None

    def shape(self, value: int | str) -> Shape:
        """The base case, but for this factor."""
        if value == getattr(BASE, self.field):
            return BASE
        changed = replace(BASE, name=f"{self.field} {value}", **{self.field: value})
        if self.field == "claim_bytes":
            # The batches stay as large as they are; else two factors would change.
            return replace(changed, batch_records=max(1, _BATCH_BYTES // changed.claim_bytes))
        return changed

    def shapes(self) -> dict[Shape, dict[str, int]]:
        """What is measured on what."""
        systems = [OURS, self.beside] if self.beside else [OURS]
        return {
            self.shape(value): dict.fromkeys(systems, count) for value, count in self.counts.items()
        }


class Curves(msgspec.Struct, frozen=True):
    """A report of factors."""

    factors: Sequence[Factor]
    rounds: int = 1

    def narrowed(
        self, systems: Sequence[str], shapes: Sequence[str], rounds: int | None
    ) -> "Curves":
        """The same with some factors (as `shapes`) only."""
        check_names(shapes, [one.field for one in self.factors])
        factors = [one for one in self.factors if not shapes or one.field in shapes]
        return replace(self, factors=factors, rounds=rounds or self.rounds)

    def run(self, cluster: Cluster) -> Report:
        """Measure the base case once, and each factor around it."""
        counts: dict[Shape, dict[str, int]] = {}
        for factor in self.factors:
            for shape, of in factor.shapes().items():
                counts.setdefault(shape, {}).update(of)
        results, whole = gathered(Throughput(counts, self.rounds).measured(cluster))
        curves = [_curve(factor, results) for factor in self.factors]
        parts = [f"## {curve.title}\n\n{_table(curve)}" for curve in curves]
        return Report(
            "What a claim costs",
            f"{_text()}\n\n" + "\n".join(parts),
            {"curves": msgspec.to_builtins(curves)},
            faults(results),
            is_whole=whole,
        )


def _text() -> str:
    return (
        f"One factor at a time around {BASE.codec} batches of {BASE.batch_records} claims of"
        f" {BASE.claim_bytes} bytes in {BASE.partitions} partitions, 1 in {BASE.one_in:,} in scope."
        " Other sizes of claims come in batches of the same bytes."
    )


class Point(msgspec.Struct):
    """One value of a factor, one system."""

    value: int | str
    result: Result


class Curve(msgspec.Struct):
    """A factor's points."""

    title: str
    field: str
    points: list[Point]


def _curve(factor: Factor, results: list[Result]) -> Curve:
    points = []
    for value in factor.counts:
        name = factor.shape(value).name
        for system in (OURS, factor.beside):
            of = [one for one in results if (one.shape, one.system) == (name, system)]
            if of:
                of.sort(key=lambda one: one.claims_per_second)
                points.append(Point(value, of[len(of) // 2]))
    return Curve(factor.title, factor.field, points)


_HEAD = (
    *("value", "system", "claims/s", "CPU µs/claim", "broker's", "free cores", "peak RSS MB"),
    "work",
)


def _table(curve: Curve) -> str:
    rows = []
    for point in curve.points:
        one = point.result
        rows.append(
            (
                f"{point.value:,}" if isinstance(point.value, int) else point.value,
                one.system,
                f"{one.claims_per_second:,.0f}",
                f"{one.cpu_us_per_claim:.2f}",
                f"{one.broker_us_per_claim:.2f}",
                f"{one.free_cores:.2f}",
                f"{one.peak_rss_mb:.0f}",
                "exact" if one.is_right else "wrong",
            )
        )
    return table(_HEAD, rows)
