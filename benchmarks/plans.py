"""What is measured: every plan, in numbers. One way to write each, whoever runs it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from benchmarks.backlog import Memory
from benchmarks.claims import Shape
from benchmarks.cluster import Cluster
from benchmarks.curves import Curves, Factor
from benchmarks.latency import Latencies, Pace
from benchmarks.replay import Replays
from benchmarks.report import Report
from benchmarks.systems import EACH_HOP
from benchmarks.throughput import OURS, Throughput

RARE = Shape("1 in 10,000", one_in=10_000)
HUNDREDTH = Shape("1 in 100", one_in=100)
ALL = Shape("all", one_in=1)
_PREFILTER = "aiokafka prefilter"


class Plan(Protocol):
    """Something to measure, with a report at the end."""

    def narrowed(self, systems: Sequence[str], shapes: Sequence[str], rounds: int | None) -> "Plan":
        """The same with some systems, data or rounds only."""
        ...

    def run(self, cluster: Cluster) -> Report:
        """Measure."""
        ...


def _counts(fast: int, middle: int, slow: int, slowest: int) -> dict[str, int]:
    return {
        OURS: fast,
        "confluent-kafka prefilter": fast,
        _PREFILTER: middle,
        "aiokafka full decode": middle,
        "Kafka Streams": middle,
        "Quix Streams": slow,
        "plain Faust": slowest,
    }


# Each for some seconds: what comes out of a backlog comes four times a second.
_FACTORS = (
    Factor(
        "Size of a claim, bytes",
        "claim_bytes",
        {300: 8_000_000, 910: 4_000_000, 4_000: 1_000_000, 20_000: 200_000},
    ),
    Factor(
        "One claim in so many in scope",
        "one_in",
        # The clock needs a few: the first is as good as none.
        {
            300_000: 4_000_000,
            100_000: 4_000_000,
            10_000: 4_000_000,
            1_000: 3_000_000,
            100: 1_000_000,
            10: 150_000,
            1: 40_000,
        },
    ),
    Factor(
        "Claims a batch",
        "batch_records",
        {1: 120_000, 5: 500_000, 20: 1_500_000, 100: 3_000_000, 650: 4_000_000},
        beside=_PREFILTER,
    ),
    Factor(
        "Codec",
        "codec",
        {
            "none": 1_500_000,
            "snappy": 3_000_000,
            "lz4": 4_000_000,
            "zstd": 4_000_000,
            "gzip": 2_000_000,
        },
        beside=_PREFILTER,
    ),
    Factor("Partitions", "partitions", {1: 4_000_000, 4: 4_000_000, 16: 4_000_000, 64: 4_000_000}),
)
_COMMON_RATE = 2_000
"""Which every system can take."""

PLANS: Mapping[str, Plan] = {
    "full": Throughput(
        {
            RARE: _counts(2_500_000, 1_000_000, 400_000, 60_000) | {OURS: 6_000_000},
            HUNDREDTH: _counts(1_200_000, 600_000, 300_000, 40_000)
            | {OURS: 2_000_000, EACH_HOP: 2_000_000},
            ALL: _counts(150_000, 150_000, 150_000, 15_000)
            | {"Quix Streams same rules": 150_000, EACH_HOP: 150_000},
        },
        fewer_rounds={"aiokafka full decode": 1, "plain Faust": 1},
        warm_ups=1,
    ),
    "latency": Latencies(
        [
            *((name, Pace(_COMMON_RATE)) for name in (OURS, "Kafka Streams", "plain Faust")),
            # About a tenth of what each can take.
            *((OURS, Pace(90_000)), ("Kafka Streams", Pace(10_000)), ("plain Faust", Pace(500))),
        ]
    ),
    "curves": Curves(_FACTORS),
    "workers": Throughput(
        {RARE: {OURS: 4_000_000, "cg-trans-03, two workers": 4_000_000}},
        rounds=1,
        title="Two workers beside one",
    ),
    "memory": Memory(60_000_000),
    "replay": Replays(150_000),
    "quick": Throughput(
        {HUNDREDTH: _counts(300_000, 200_000, 100_000, 10_000), ALL: {OURS: 20_000}}, rounds=1
    ),
}
NAMES = {"full": "throughput"}
"""What the results of a plan are called, where it is not the plan's own name."""
