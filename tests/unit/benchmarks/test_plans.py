"""That plans measure what they say: one factor at a time, waits counted, feeds that add up."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException
from msgspec.structs import asdict

from benchmarks import feeder
from benchmarks.backlog import Backlog
from benchmarks.claims import claims
from benchmarks.cluster import patiently
from benchmarks.curves import BASE, Curves
from benchmarks.latency import Latencies, percentile
from benchmarks.plans import PLANS
from benchmarks.report import gathered
from benchmarks.systems import SYSTEMS, prompt
from benchmarks.throughput import OURS, Throughput
from benchmarks.watch import Watch
from stream_app.pipeline.decode import decode_claim

CURVES: Curves = PLANS["curves"]  # type: ignore[assignment]


@pytest.mark.parametrize("factor", CURVES.factors, ids=lambda factor: factor.field)
def test_only_one_factor_differs_from_the_base_case_when_a_curve_is_measured(factor):
    for value, shape in ((value, factor.shape(value)) for value in factor.counts):
        changed = {name for name, one in asdict(shape).items() if one != asdict(BASE)[name]}
        allowed = {"name", factor.field} | ({"batch_records"} & {factor.field})
        if factor.field == "claim_bytes":
            # Batches of the same bytes hold other numbers of claims.
            allowed.add("batch_records")
            assert shape.batch_records * value == pytest.approx(
                BASE.batch_records * BASE.claim_bytes, rel=0.05
            )
        assert changed <= allowed
        assert getattr(shape, factor.field) == value


def test_every_curve_goes_through_the_base_case():
    assert all(BASE in factor.shapes() for factor in CURVES.factors)


def test_the_base_case_is_the_same_work_when_factors_share_it():
    counts = {factor.shapes()[BASE][OURS] for factor in CURVES.factors}
    assert len(counts) == 1


@pytest.mark.parametrize("plan", [plan for plan in PLANS.values() if isinstance(plan, Throughput)])
def test_plans_name_systems_that_there_are_and_enough_claims_to_time(plan: Throughput):
    for shape, counts in plan.counts.items():
        assert set(counts) <= set(SYSTEMS)
        assert all(len(shape.truth(count)) >= 4 for count in counts.values())


def test_curves_hold_enough_claims_in_scope_to_time():
    for factor in CURVES.factors:
        for value, count in factor.counts.items():
            assert len(factor.shape(value).truth(count)) >= 4


def test_a_narrowed_plan_measures_only_what_was_asked_for():
    latency: Latencies = PLANS["latency"]  # type: ignore[assignment]
    assert {name for name, _ in latency.narrowed([OURS], [], None).paces} == {OURS}
    assert [one.field for one in CURVES.narrowed([], ["codec"], None).factors] == ["codec"]


def test_peers_send_at_once_and_the_service_stays_as_it_is_when_latency_is_measured():
    assert prompt(SYSTEMS["Kafka Streams"]).environment == {"LINGER_MS": "0"}
    assert prompt(SYSTEMS[OURS]) is SYSTEMS[OURS]


@pytest.mark.parametrize(
    ("share", "wait"), [(0.5, 50), (0.99, 99), (0.999, 100), (0.001, 1), (1.0, 100)]
)
def test_percentile_is_a_wait_that_was_measured(share: float, wait: float):
    assert percentile([float(n) for n in range(1, 101)], share) == wait


def test_percentile_of_nothing_is_nothing():
    assert percentile([], 0.5) == 0


@pytest.mark.parametrize("rounds", [1, 39, 40, 41, 1000])
def test_a_feed_holds_as_many_claims_as_it_says(rounds: int):
    batches = sum(4 * feeder.BATCH_RECORDS for _ in range(rounds))
    alone = sum(1 for number in range(rounds) if number % feeder.ROUNDS_A_CLAIM_IN_SCOPE == 0)
    assert feeder.in_scope(rounds) == alone
    assert feeder.size(rounds, 4) == batches + alone


def test_ordinary_claims_of_a_feed_are_out_of_scope():
    made = claims(feeder.ORDINARY, 300)
    assert all(decode_claim(claim.value) is None for claim in made)


def test_memory_early_and_late_are_means_behind_the_start():
    series = [(float(at), 50.0 if at < 10 else 100.0 + at) for at in range(101)]
    backlog = Backlog(SimpleNamespace(), 100.0, series)  # type: ignore[arg-type]
    assert backlog.early_mb == pytest.approx(115)
    assert backlog.late_mb == pytest.approx(195)


def test_processes_are_added_up_when_several_are_watched():
    """Two that hold some memory and use some CPU, and a third as the broker."""
    code = "import sys; data = bytearray(30_000_000); sum(range(3_000_000)); sys.stdin.read()"
    held = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) for _ in range(3)]
    try:
        start = time.time()
        watch = Watch([one.pid for one in held[:2]], held[2].pid)
        alone = Watch([held[0].pid], held[2].pid)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and min(watch.peak_rss_mb / 2, alone.peak_rss_mb) < 30:
            time.sleep(0.05)
        watch.close()
        alone.close()
        spent = watch.between(start, time.time())
        assert watch.peak_rss_mb > alone.peak_rss_mb > 30
        assert spent.system >= alone.between(start, time.time()).system
        assert spent.idle >= 0
        assert watch.memory
    finally:
        for one in held:
            one.kill()
            one.communicate()


def test_what_was_measured_is_kept_when_a_run_is_interrupted():
    def rows():
        yield from (1, 2)
        raise KeyboardInterrupt

    assert gathered(rows()) == ([1, 2], False)
    assert gathered(iter([1, 2, 3])) == ([1, 2, 3], True)


def test_a_question_is_asked_again_only_while_the_broker_makes_up_its_mind():
    answers = [KafkaException(KafkaError(KafkaError.NOT_COORDINATOR)), 7]

    def ask() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert patiently(ask) == 7
    answers.append(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
    with pytest.raises(KafkaException):
        patiently(ask)
