"""A claim decided again: what counts as a change, and what is said to be its cause."""

import msgspec
import orjson
import pytest

from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim
from stream_app.pipeline.remember import Source
from stream_app.policy.load import load_policies
from stream_app.replay.compare import Comparison, Standing, as_compared
from stream_app.replay.compared import Cause, Compared, ComparedDecision
from stream_app.replay.history import Heard, heard, on_file
from stream_app.rules.settings import DecisionSettings
from tests.integration.events import Member, claim, history

MEMBER = Member("M-1", "C-1", "T-1")
POLICIES = load_policies()
LIVE = Decider(POLICIES)
EARLY, DECIDED, LATE = 1_000_000, 1_500_000, 2_000_000
EVALUATED_AT = "1970-01-01T00:25:00.000+00:00"
"""DECIDED, as a decision has it."""


def told(at: int, **transplant: object) -> Heard:
    event = heard(at, orjson.dumps(history(MEMBER, transplant=transplant)))
    assert event is not None
    return event


def decided(events: list[Heard], decider: Decider = LIVE, **fields: object) -> ComparedDecision:
    """What the worker sent while these were on file."""
    event = decode_claim(orjson.dumps(claim(MEMBER, **fields)))
    assert event is not None
    decision = decider.decide(event, on_file(events))
    assert decision is not None
    return msgspec.structs.replace(as_compared(decision), evaluated_at=EVALUATED_AT)


def compared(
    before: ComparedDecision | None,
    events: list[Heard],
    decider: Decider = LIVE,
    as_of: int | None = None,
    **fields: object,
) -> Compared | None:
    value = orjson.dumps(claim(MEMBER, **fields))
    standing = Standing(value, Source("claims", 0, 7), events, before)
    return Comparison(decider, as_of).compare(standing)


def cause(*given: object, **more: object) -> Cause:
    found = compared(*given, **more)  # type: ignore[arg-type]
    assert found is not None
    assert found.reproducible
    return found.cause


def test_nothing_is_changed_when_nothing_is_other():
    events = [told(EARLY)]
    assert cause(decided(events), events) is Cause.NONE


def test_history_is_the_cause_when_it_came_after_the_decision():
    assert cause(decided([]), [told(LATE)]) is Cause.HISTORY


def test_history_is_the_cause_when_it_was_under_way_while_the_claim_was_decided():
    """By its time it was there; by the id of what was decided, it was not looked at."""
    assert cause(decided([]), [told(EARLY)]) is Cause.HISTORY


def test_policy_is_the_cause_when_the_same_history_comes_to_something_else():
    presuming = Decider(POLICIES, settings=DecisionSettings(missing_donor="presume_same"))
    events = [told(EARLY, donor_id=None)]
    assert cause(decided(events), events, presuming) is Cause.POLICY


def test_policy_is_the_cause_when_both_have_changed():
    presuming = Decider(POLICIES, settings=DecisionSettings(missing_donor="presume_same"))
    events = [told(EARLY, donor_id=None)]
    assert cause(decided(events), [*events, told(LATE)], presuming) is Cause.POLICY


def test_claim_is_undecided_when_only_an_earlier_version_was_decided():
    events = [told(EARLY)]
    assert cause(None, events) is Cause.UNDECIDED
    assert cause(decided(events), events, claim_version=2) is Cause.UNDECIDED


def test_claim_is_not_decidable_when_the_guideline_applies_no_longer():
    line = {"line_number": 1, "procedure_code": "86999", "service_date": "2025-01-20"}
    lines = [line | {"procedure_description": "unlisted transfusion procedure"}]
    before = decided([told(EARLY)])
    assert cause(before, [told(EARLY)], service_lines=lines) is Cause.NOT_DECIDABLE


@pytest.mark.parametrize(
    "fields",
    [
        {"claim_frequency_code": "8"},
        {"claim_version": 2, "claim_frequency_code": "8"},
        {"claim_version": 2, "service_lines": [], "replaced_procedure_codes": ["38242"]},
    ],
)
def test_nothing_is_compared_when_the_platform_has_ended_the_claim(fields):
    if fields.get("service_lines") == []:
        other = {"line_number": 1, "procedure_code": "99213", "service_date": "2025-01-20"}
        fields = fields | {"service_lines": [other]}
    events = [told(EARLY)]
    assert compared(decided(events), events, **fields) is None


def test_nothing_is_compared_when_a_later_version_was_decided():
    events = [told(EARLY)]
    assert compared(decided(events, claim_version=3), events, claim_version=2) is None


def test_claim_is_decided_by_what_was_known_when_asked_for_a_time():
    found = compared(decided([told(LATE)]), [told(LATE)], as_of=DECIDED)
    assert found is not None
    assert found.after is not None
    assert [line.reasons for line in found.after.lines] == [("HISTORY_NOT_FOUND",)]


def test_a_decision_that_depends_on_an_order_is_found_when_its_id_is_worked_out_again():
    class Careless(Decider):
        def _basis(self, claim, lines, places, transplants):
            return super()._basis(claim, claim.lines, places, transplants)

    events = [told(EARLY)]
    line = claim(MEMBER)["service_lines"][0]
    found = compared(
        decided(events),
        events,
        Careless(POLICIES),
        service_lines=[line, {**line, "line_number": 2}],
    )
    assert found is not None
    assert not found.reproducible


def test_row_says_where_and_when_the_claim_belongs():
    events = [told(EARLY)]
    found = compared(decided(events), events, line_of_business="medicaid")
    assert found is not None
    assert (found.topic, found.partition, found.offset) == ("claims", 0, 7)
    assert (found.service_month, found.line_of_business) == ("2025-01", "medicaid")
