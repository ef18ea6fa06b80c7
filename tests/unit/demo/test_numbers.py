from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from stream_app.demo.numbers import Latency, Numbers, answers_ok, read_numbers, scrape


def exposition(latencies=()):
    registry = CollectorRegistry()
    read = Counter("cg_trans_03_records_read", "-", ["topic", "partition"], registry=registry)
    read.labels("claims", "0").inc(5)
    read.labels("claims", "1").inc(7)
    read.labels("history", "0").inc(100)
    Counter("cg_trans_03_claims_in_scope", "-", registry=registry).inc(3)
    decided = Counter("cg_trans_03_decisions", "-", ["decision"], registry=registry)
    decided.labels("approve").inc(1)
    decided.labels("pend").inc(1)
    seconds = Histogram(
        "cg_trans_03_decision_latency_seconds", "-", buckets=(0.1, 0.5, 5), registry=registry
    )
    for each in latencies:
        seconds.observe(each)
    return generate_latest(registry).decode()


def test_counters_are_summed_over_partitions_and_outcomes():
    assert read_numbers(exposition(), "claims") == Numbers(read=12, in_scope=3, decided=2)


def test_latency_is_told_as_the_bound_below_which_a_share_lies():
    said = read_numbers(exposition([0.05] * 6 + [0.4] * 3 + [4.0]), "claims")

    assert said.latency == Latency(half=0.1, nearly_all=5.0)


def test_there_is_no_answer_when_nobody_listens():
    assert scrape("http://127.0.0.1:9/metrics", "claims") is None
    assert not answers_ok("http://127.0.0.1:9/readyz")
