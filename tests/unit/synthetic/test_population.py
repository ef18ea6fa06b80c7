"""The population: reproducible, as large as asked for, and true to its own account."""

import json
from collections import Counter
from datetime import date
from hashlib import sha256

import pytest

from stream_app.errors import UsageError
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.scope import may_be_in_scope
from stream_app.synthetic import Plan, Population, Stream
from stream_app.synthetic.event import Event, Kind
from stream_app.synthetic.npi import PREFIX, luhn_check_digit
from stream_app.synthetic.poison import POISONS

DIGEST = "2207de3c7e36e00c8162e3ec797c17af4daf0a57a5b8bf8b4bb77dd9bb92bc13"
SMALL = Plan(seed=5, claims=3_000, incidence=0.04, poison=0.01, near_misses=0.01)


@pytest.fixture(scope="module")
def small() -> tuple[Population, list[Event]]:
    population = Population(SMALL)
    return population, list(population)


def digest(plan: Plan) -> str:
    seen = sha256()
    for event in Population(plan):
        seen.update(event.stream.encode() + event.key + event.value)
    return seen.hexdigest()


def test_bytes_are_the_same_when_seed_is_the_same() -> None:
    """Two runs of one plan, and two passes over one population."""
    population = Population(SMALL)
    assert list(population) == list(population)
    assert digest(SMALL) == digest(SMALL)


def test_bytes_are_the_same_on_every_machine() -> None:
    """A change of this digest changes every published demo: make it on purpose."""
    plan = Plan(seed=1, claims=300, incidence=0.3, poison=0.1, near_misses=0.1)
    assert digest(plan) == DIGEST


def test_bytes_differ_when_seed_differs() -> None:
    """The seed matters."""
    assert digest(Plan(seed=1, claims=50)) != digest(Plan(seed=2, claims=50))


def test_counts_are_exact_when_rates_are_given(small: tuple[Population, list[Event]]) -> None:
    """Rates are met to the event, and the truth counts what was handed out."""
    population, events = small
    claims = Counter(event.kind for event in events if event.stream is Stream.CLAIMS)
    assert claims == {Kind.IN_SCOPE: 120, Kind.POISON: 30, Kind.NEAR_MISS: 30, Kind.ORDINARY: 2820}
    assert population.truth.claims == 3_000
    assert population.truth.history == sum(e.stream is Stream.HISTORY for e in events)


def test_ordinary_claims_are_valid_and_out_of_scope(
    small: tuple[Population, list[Event]],
) -> None:
    """Neither decoder nor scan sees anything in them, but for a code by chance inside an id."""
    for event in small[1]:
        if event.kind is Kind.ORDINARY:
            assert decode_claim(event.value) is None
            assert not may_be_in_scope(event.value)


def test_near_misses_pass_the_scan_and_are_out_of_scope(
    small: tuple[Population, list[Event]],
) -> None:
    """They are what only decoding can tell apart."""
    near = [event for event in small[1] if event.kind is Kind.NEAR_MISS]
    assert all(may_be_in_scope(event.value) for event in near)
    assert all(decode_claim(event.value) is None for event in near)


def test_in_scope_events_pass_the_scan_and_decode(small: tuple[Population, list[Event]]) -> None:
    """However a claim is spelt, the scan must not skip it."""
    claims = [event for event in small[1] if event.kind is Kind.IN_SCOPE]
    assert all(may_be_in_scope(event.value) for event in claims)
    assert all(decode_claim(event.value) is not None for event in claims)
    for event in small[1]:
        if event.kind is Kind.HISTORY:
            decode_history(event.value)


def test_poison_says_truly_whether_the_scan_sees_it(
    small: tuple[Population, list[Event]],
) -> None:
    """The worker's dead letters follow from this."""
    population, events = small
    for event in events:
        if event.kind is Kind.POISON and event.stream is Stream.CLAIMS:
            expected = population.truth.malformed_claims[event.key]
            assert may_be_in_scope(event.value) is expected.scan_sees


def test_every_poison_occurs_when_there_is_room(small: tuple[Population, list[Event]]) -> None:
    """Each way of breaking an event is tried."""
    truth = small[0].truth
    assert len(truth.malformed_claims) == 30 > sum(p.stream is Stream.CLAIMS for p in POISONS)
    wanted = {p.expected.reason for p in POISONS if p.stream is Stream.HISTORY}
    assert {each.reason for each in truth.malformed_history.values()} == wanted


def test_history_arrives_both_before_and_after_claims(
    small: tuple[Population, list[Event]],
) -> None:
    """And out of order, repeated and retracted."""
    first_claim: dict[str, int] = {}
    histories: dict[str, list[int]] = {}
    values: Counter[bytes] = Counter()
    operations: Counter[str] = Counter()
    for place, event in enumerate(small[1]):
        if event.kind not in {Kind.IN_SCOPE, Kind.HISTORY}:
            continue
        content = json.loads(event.value)
        if event.kind is Kind.IN_SCOPE:
            first_claim.setdefault(content["member_id"], place)
        else:
            histories.setdefault(content["member_id"], []).append(place)
            operations[content["operation"]] += 1
            values[event.value] += 1
    before = [m for m, places in histories.items() if max(places) < first_claim[m]]
    after = [m for m, places in histories.items() if min(places) > first_claim[m]]
    assert len(before) > 10
    assert len(after) > 5
    assert operations["retract"] >= 1
    assert max(values.values()) > 1


def test_claims_look_like_a_platforms(small: tuple[Population, list[Event]]) -> None:
    """Check digits check out, sizes are as measured of real ones, ids say that they are made up."""
    sizes = []
    for event in small[1]:
        if event.kind is not Kind.ORDINARY:
            continue
        sizes.append(len(event.value))
        claim = json.loads(event.value)
        npi = claim["billing_provider"]["npi"]
        assert luhn_check_digit(PREFIX + npi[:9]) == int(npi[9])
        assert claim["claim_id"].startswith("SYN5-C-")
        assert event.key == claim["claim_id"].encode()
        total = sum(line["charge_amount"] for line in claim["service_lines"])
        assert claim["total_charge_amount"] == pytest.approx(total)
        assert all(len(line["place_of_service"]) == 2 for line in claim["service_lines"])
    sizes.sort()
    assert 800 < sizes[len(sizes) // 2] < 1_100
    assert sizes[-1] > 4_000


def test_days_of_service_stay_within_when_they_are_given() -> None:
    """Scenarios that need other days are left out."""
    plan = Plan(seed=3, claims=400, incidence=0.5, start=date(2024, 11, 1), end=date(2024, 11, 30))
    for event in Population(plan):
        if event.stream is Stream.CLAIMS and event.kind is not Kind.POISON:
            claim = json.loads(event.value)
            assert all(
                line["service_date"].startswith("2024-11") for line in claim["service_lines"]
            )


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (Plan(claims=-1), "claims must be"),
        (Plan(seed=-1), "seed must be"),
        (Plan(incidence=1.5), "incidence must be"),
        (Plan(near_misses=float("nan")), "near-misses must be"),
        (Plan(incidence=0.6, poison=0.6), "together must not exceed 1"),
        (Plan(start=date(2025, 1, 2), end=date(2025, 1, 1)), "before the first"),
        (Plan(start=date(1999, 1, 1)), "between 2020-01-01"),
    ],
)
def test_plan_is_refused_when_it_cannot_be_made(plan: Plan, fault: str) -> None:
    """With the first fault named."""
    with pytest.raises(UsageError, match=fault):
        Population(plan)


def test_population_is_empty_when_no_claims_are_asked_for() -> None:
    """Nothing in, nothing out."""
    assert list(Population(Plan(claims=0))) == []


def test_everything_is_in_scope_when_incidence_is_one() -> None:
    """The benchmark of the second hop needs that."""
    population = Population(Plan(seed=2, claims=500, incidence=1, poison=0, near_misses=0))
    kinds = Counter(event.kind for event in population)
    assert kinds[Kind.IN_SCOPE] == 500
    assert set(kinds) == {Kind.IN_SCOPE, Kind.HISTORY}
