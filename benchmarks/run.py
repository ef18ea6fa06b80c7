"""Which system is measured on what, how often, in which order."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.claims import Shape
from benchmarks.cluster import cluster
from benchmarks.measure import Result, measure
from benchmarks.systems import SYSTEMS

RARE = Shape("1 in 10,000", one_in=10_000)
HUNDREDTH = Shape("1 in 100", one_in=100)
ALL = Shape("all", one_in=1)
# How the claims come, around the base case of 1 in 10,000 in lz4 batches of 650.
ENCODINGS = (
    Shape("lz4, batches of 3", batch_records=3),
    Shape("lz4, batches of 17", batch_records=17),
    Shape("not compressed", codec="none"),
    Shape("gzip", codec="gzip"),
    Shape("snappy", codec="snappy"),
    Shape("zstd", codec="zstd"),
)


class Plan(Struct, frozen=True):
    """What is measured.

    Attributes:
        counts: claims for each shape and system. The slower a system, the fewer, or nobody would
            wait; but enough to last for seconds and to hold some twenty claims in scope.
        rounds: how often; in each round every system has its turn.
    """

    counts: Mapping[Shape, Mapping[str, int]]
    rounds: int = 3

    def narrowed(self, systems: Sequence[str], shapes: Sequence[str], rounds: int | None) -> "Plan":
        """The same with some of the systems and shapes only."""
        counts = {
            shape: {name: n for name, n in of.items() if not systems or name in systems}
            for shape, of in self.counts.items()
            if not shapes or shape.name in shapes
        }
        return replace(self, counts=counts, rounds=rounds or self.rounds)


def _counts(fast: int, middle: int, slow: int, slowest: int) -> dict[str, int]:
    return {
        "cg-trans-03": fast,
        "confluent-kafka prefilter": fast,
        "aiokafka prefilter": middle,
        "aiokafka full decode": middle,
        "Kafka Streams": middle,
        "Quix Streams": slow,
        "plain Faust": slowest,
    }


PLANS = {
    "full": Plan(
        {
            RARE: _counts(3_000_000, 1_000_000, 400_000, 200_000),
            HUNDREDTH: _counts(2_000_000, 1_000_000, 400_000, 60_000),
            ALL: _counts(200_000, 200_000, 200_000, 20_000),
        }
    ),
    "encodings": Plan(
        {shape: {"cg-trans-03": 600_000, "aiokafka prefilter": 600_000} for shape in ENCODINGS},
    ),
    "quick": Plan(
        {
            HUNDREDTH: _counts(300_000, 200_000, 100_000, 10_000),
            ALL: {"cg-trans-03": 20_000},
        },
        rounds=1,
    ),
}


def run_plan(plan: Plan, data: Path) -> list[Result]:
    """Measure; prints each result as it comes."""
    results = []
    with cluster(data) as broker:
        for shape, counts in plan.counts.items():
            for round_ in range(plan.rounds):
                for name, count in counts.items():
                    result = measure(broker, SYSTEMS[name], shape, count)
                    results.append(result)
                    click.echo(
                        f"{shape.name:>24}  round {round_ + 1}  {name:<26}"
                        f"{result.claims_per_second:>12,.0f}/s"
                        f"{result.second_half_per_second:>12,.0f}/s 2nd half"
                        f"{result.cpu_us_per_claim:>9.2f} us CPU"
                        f"{result.peak_rss_mb:>7.0f} MB"
                        f"  {'ok' if result.is_right else _fault(result)}"
                    )
            for count in set(counts.values()):
                broker.drop(shape, count)
    return results


def _fault(result: Result) -> str:
    return (
        f"WRONG: {result.got} of {result.expected} decisions, {result.missing} missing,"
        f" {result.extra} too many, {result.duplicates} twice,"
        f" {'all' if result.commits_at_end else 'not all'} committed"
    )
