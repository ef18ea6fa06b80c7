"""What the benchmarks rest on: a truth that is true, and a clock that favours nobody."""

import pytest

from benchmarks.claims import MEMBERS, Shape, claims, histories, member
from benchmarks.measure import Result, window
from benchmarks.throughput import summarize
from stream_app.pipeline.decode import decode_claim, decode_history


@pytest.mark.parametrize("claim_bytes", [300, 910, 5_000])
@pytest.mark.parametrize("one_in", [1, 7, 100, 0])
def test_truth_is_what_the_decoder_finds_when_claims_are_made(one_in: int, claim_bytes: int):
    shape = Shape("x", one_in=one_in, claim_bytes=claim_bytes)
    decoded = [decode_claim(claim.value) for claim in claims(shape, 400)]
    found = [claim for claim in decoded if claim is not None]
    assert {claim.claim_id for claim in found} == shape.truth(400)
    known = {member(number).decode() for number in range(MEMBERS)}
    assert {claim.member_id for claim in found} <= known


def test_claims_have_the_size_that_was_asked_for():
    values = [claim.value for claim in claims(Shape("x"), 500)]
    assert sum(map(len, values)) / len(values) == pytest.approx(910, rel=0.01)


def test_histories_are_decoded_and_lie_where_the_members_claims_do():
    where = {claim.key: claim.partition for claim in claims(Shape("x", one_in=1), 500)}
    for record in list(histories(4))[:500]:
        assert decode_history(record.value).member_id == record.key.decode()
        assert where[record.key] == record.partition


@pytest.mark.parametrize("burst", [1, 10, 50])
def test_rate_is_the_same_when_outputs_come_in_bursts(burst: int):
    """1,000 outputs of 100,000 claims, 100 a second, handed over in portions of any size.

    A portion takes a while to come out, and the clock may well start in the middle of it.
    """
    for warm_up in (0.1, 0.12, 0.135):
        times = [5 + (n // burst + 1) * burst / 100 + n % burst / 10_000 for n in range(1000)]
        assert window(times, 100_000, 1000, warm_up).rate == pytest.approx(10_000, rel=0.01)


def test_rate_is_nothing_when_there_is_too_little_to_time():
    assert window([1.0] * 3, 10, 3, 0.1).rate == 0
    assert window([1.0] * 30, 30, 30, 0.1).rate == 0


def _result(system: str, claims_per_second: float, **fields: object) -> Result:
    whole = {
        "system": system,
        "shape": "x",
        "claims": 10,
        "expected": 1,
        "got": 1,
        "missing": 0,
        "extra": 0,
        "duplicates": 0,
        "claims_per_second": claims_per_second,
        "second_half_per_second": claims_per_second,
        "cpu_us_per_claim": 1.0,
        "broker_us_per_claim": 1.0,
        "free_cores": 0.5,
        "peak_rss_mb": 1.0,
        "commits_at_end": True,
        "seconds": 1.0,
    } | fields
    return Result(**whole)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["missing", "extra", "duplicates"])
def test_work_is_wrong_when_one_decision_is(wrong: str):
    assert _result("a", 1).is_right
    assert not _result("a", 1, **{wrong: 1}).is_right
    assert not _result("a", 1, commits_at_end=False).is_right


def test_ratio_is_to_the_best_second_half_of_the_peers():
    ours = [_result("cg-trans-03", rate) for rate in (90, 100, 130)]
    warm = [_result("jvm", 20, second_half_per_second=50) for _ in range(3)]
    lines = {line.system: line for line in summarize([*ours, *warm, _result("slow", 40)])}
    assert lines["cg-trans-03"].claims_per_second == 100
    assert lines["cg-trans-03"].to_best_peer == 2
