"""The scenario table against the service itself."""

from datetime import date

from stream_app.domain.decision import Outcome
from stream_app.domain.vocabulary import ReasonCode
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.enrich import MemberHistory, standing_key
from stream_app.policy.load import load_policies
from stream_app.synthetic import Plan, Population, Stream
from stream_app.synthetic.scenarios import scenarios

# Reasons that only settings or an applicability file bring about.
BY_SETTING = {
    ReasonCode.PRECEDENCE_REVIEW,
    ReasonCode.QUALIFYING_TRANSPLANT_NOT_FOUND,
    ReasonCode.ADVERSE_DETERMINATION_REVIEW,
}


def test_table_reaches_every_reason_of_default_settings() -> None:
    """The demo shows all there is."""
    reached = {code for scenario in scenarios() for code in scenario.reasons}
    assert reached == {code.value for code in set(ReasonCode) - BY_SETTING}
    assert {scenario.outcome for scenario in scenarios()} == {*Outcome, None}


def test_names_are_unique() -> None:
    """A scenario is named in reports."""
    names = [scenario.name for scenario in scenarios()]
    assert len(set(names)) == len(names)


def test_service_decides_as_the_truth_says_when_all_is_applied() -> None:
    """Every scenario, several times over, and every poison, through decoder and rules."""
    population = Population(Plan(seed=11, claims=600, incidence=0.9, poison=0.08))
    members: dict[str, MemberHistory] = {}
    standing = {}
    malformed: dict[Stream, dict[bytes, str]] = {stream: {} for stream in Stream}
    for event in population:
        try:
            if event.stream is Stream.HISTORY:
                history = decode_history(event.value)
                members.setdefault(history.member_id, MemberHistory()).apply(history)
                continue
            claim = decode_claim(event.value)
        except MalformedEvent as error:
            malformed[event.stream][event.key] = error.reason
            continue
        if claim is None:
            continue
        known = standing.get(claim.claim_id)
        if known is None or standing_key(claim) > standing_key(known):
            standing[claim.claim_id] = claim
    truth = population.truth
    assert malformed[Stream.CLAIMS] == {k: m.reason for k, m in truth.malformed_claims.items()}
    assert malformed[Stream.HISTORY] == {k: m.reason for k, m in truth.malformed_history.items()}
    assert set(standing) == set(truth.standing)
    decider = Decider(load_policies())
    for claim_id, scenario in truth.standing.items():
        claim = standing[claim_id]
        row = members.get(claim.member_id)
        decision = decider.decide(claim, row.on_file() if row else ())
        outcome = decision.decision if decision else None
        codes = [r.code for line in decision.lines for r in line.reasons] if decision else []
        assert (outcome, codes) == (scenario.outcome, list(scenario.reasons)), scenario.name
    assert {s.name for s in truth.standing.values()} == {s.name for s in scenarios()}


def test_boundary_days_occur() -> None:
    """The last day of one version and the first of the next."""
    days = {scenario.on for scenario in scenarios()} - {None}
    assert days == {date(2024, 9, 30), date(2024, 10, 1)}


def test_decided_holds_the_claims_that_call_for_a_decision_when_read_in_order() -> None:
    """What a worker sends: also for a claim that is voided later, not for one voided before."""
    population = Population(Plan(seed=12, claims=400, incidence=1, poison=0, near_misses=0))
    decider = Decider(load_policies())
    standing: dict[str, tuple[int, object, str]] = {}
    decided = set()
    for event in population:
        if event.stream is Stream.HISTORY:
            continue
        claim = decode_claim(event.value)
        assert claim is not None
        if claim.claim_id in standing and standing_key(claim) <= standing[claim.claim_id]:
            continue
        standing[claim.claim_id] = standing_key(claim)
        if decider.decide(claim, ()) is not None:
            decided.add(claim.claim_id)
    assert population.truth.decided == decided
    assert decided < set(standing)
