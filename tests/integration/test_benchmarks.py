"""The benchmarks in their shortest form: those that need nothing but the service's environment.

What is tested is that each does all of its work and is found to; how fast is of no concern here.
"""

from collections.abc import Iterator

import pytest

from benchmarks.claims import Shape
from benchmarks.cluster import Cluster, cluster
from benchmarks.curves import Curves, Factor
from benchmarks.latency import Pace, measure_latency
from benchmarks.measure import measure
from benchmarks.replay import Replays
from benchmarks.systems import SYSTEMS
from benchmarks.throughput import OURS

SHAPE = Shape("1 in 100", one_in=100)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("benchmarks")) as one:
        yield one


@pytest.mark.integration
@pytest.mark.parametrize(
    "name",
    [
        *(OURS, "cg-trans-03, two workers"),
        *("aiokafka prefilter", "aiokafka full decode", "confluent-kafka prefilter"),
    ],
)
def test_work_is_exact_when_a_system_is_measured(broker: Cluster, name: str):
    result = measure(broker, SYSTEMS[name], SHAPE, 40_000, patience=90.0)
    assert result.is_right, result.fault
    assert result.claims_per_second > 0
    assert result.cpu_us_per_claim > 0
    assert result.peak_rss_mb > 0


@pytest.mark.integration
def test_both_systems_have_a_point_when_a_curve_is_measured(broker: Cluster):
    factor = Factor("Codec", "codec", {"zstd": 30_000}, beside="aiokafka prefilter")
    report = Curves([factor]).run(broker)
    assert report.faults == []
    assert len(report.numbers["curves"][0]["points"]) == 2


@pytest.mark.integration
def test_every_claim_is_decided_when_claims_come_at_a_steady_rate(broker: Cluster):
    latency = measure_latency(broker, SYSTEMS[OURS], Pace(500, seconds=3.0))
    assert latency.missing == 0
    assert latency.decisions > 0
    assert 0 < latency.p50_ms <= latency.p99_ms <= latency.max_ms


@pytest.mark.integration
def test_nothing_differs_when_what_was_measured_is_replayed(broker: Cluster):
    report = Replays(2_000).run(broker)
    assert report.faults == []
    assert report.numbers["replay"]["compared"] == 2_000
