import msgspec

from stream_app.demo.acts import sort_into_acts
from stream_app.demo.run import demo_plan
from stream_app.synthetic import Plan, Population, Stream
from stream_app.synthetic.event import Kind
from tests.unit.demo.worlds import small_acts


def member(event):
    return msgspec.json.decode(event.value)["member_id"]


def test_every_event_belongs_to_one_act_when_a_population_is_sorted():
    acts = small_acts()

    history = [event for event in acts.population if event.stream is Stream.HISTORY]
    key = lambda event: (event.key, event.value)  # noqa: E731
    assert sorted([*acts.before, *acts.late], key=key) == sorted(history, key=key)
    assert sum(1 for _ in acts.claims()) == acts.truth.claims


def test_late_claims_are_those_of_members_with_late_history():
    acts = small_acts()

    late_members = {member(event) for event in acts.late}
    of_late = {c for c, events in acts.in_scope.items() if member(events[0]) in late_members}
    assert acts.late_claims == of_late
    assert acts.late_claims
    assert not late_members & {member(e) for e in acts.before if e.kind is Kind.HISTORY}


def test_every_reason_occurs_among_claims_with_known_history_when_nothing_is_chosen():
    """If a change of the generator breaks this, the demo's default seed must be chosen anew."""
    default = Plan()
    acts = sort_into_acts(Population(demo_plan(default.seed, default.claims, default.incidence)))

    told = acts.truth.standing
    possible = {code for scenario in told.values() for code in scenario.reasons}
    shown = {code for claim in told.keys() - acts.late_claims for code in told[claim].reasons}
    assert shown == possible


def test_every_way_of_being_malformed_occurs_when_claims_are_few():
    acts = small_acts()

    assert len(acts.truth.malformed_claims) >= 21
    assert {one.reason for one in acts.truth.malformed_history.values()}


def test_a_plan_can_be_made_when_everything_shall_be_in_scope():
    plan = demo_plan(1, claims=50, incidence=1.0)

    assert (plan.poison, plan.near_misses) == (0, 0)
