"""The smallest sets of missing facts, held against what logic says they must be."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.domain.claim import Claim, ServiceLine, SpecifiedAs
from stream_app.domain.codes import Icd10Code
from stream_app.domain.decision import Outcome
from stream_app.domain.history import Transplant, TransplantStatus, TransplantType
from stream_app.domain.instant import Instant
from stream_app.explain import missing
from stream_app.explain.case import Case
from stream_app.explain.missing import Changes, Finder
from stream_app.pipeline.decide import Decider
from stream_app.policy.load import load_policies
from stream_app.rules.settings import DecisionSettings

POLICIES = load_policies()
DECIDER = Decider(POLICIES)
DAY = date(2024, 11, 5)

# For each fact: the fields that make it true, false, unknown.
FACTS: tuple[dict[bool | None, dict[str, Any]], ...] = (
    {
        True: {"transplant_date": date(2024, 2, 1)},
        False: {"transplant_date": date(2025, 2, 1)},
        None: {"transplant_date": None},
    },
    {
        True: {"type": TransplantType.ALLOGENEIC},
        False: {"type": TransplantType.AUTOLOGOUS},
        None: {"type": TransplantType.SYNGENEIC},
    },
    {True: {"indication": "C92.10"}, False: {"indication": "D61.9"}, None: {"indication": "Z1"}},
    {
        True: {"medically_necessary": True},
        False: {"medically_necessary": False},
        None: {"medically_necessary": None},
    },
    {True: {"donor_id": "d"}, False: {"donor_id": "e"}, None: {"donor_id": None}},
)
QUALIFYING = (True,) * 5


def transplant(name: str, truths: tuple[bool | None, ...] = QUALIFYING) -> Transplant:
    fields: dict[str, Any] = {}
    for fact, truth in zip(FACTS, truths, strict=True):
        fields |= fact[truth]
    return Transplant(transplant_id=name, status=TransplantStatus.PERFORMED, **fields)


def line(number: int = 1, **fields: Any) -> ServiceLine:
    given_fields = {
        "procedure_code": "38242",
        "service_date": DAY,
        "diagnoses": (Icd10Code("C9210"),),
        "donor_id": "d",
    }
    return ServiceLine(line_number=number, **{**given_fields, **fields})


def case(lines: tuple[ServiceLine, ...], *transplants: Transplant) -> Case:
    return Case(Claim("event", Instant(0, 0), "claim", "member", lines), transplants)


def changes_of_line(given_case: Case, decider: Decider = DECIDER) -> Changes:
    decision = decider.decide(given_case.claim, given_case.transplants)
    assert decision is not None
    return Finder(decider, POLICIES).of_line(given_case, decision.lines[0])


def sizes(changes: Changes) -> dict[Outcome | None, int]:
    return {change.to: len(change.facts) for change in changes.found}


truths = st.tuples(*[st.sampled_from((True, False, None))] * 5)


@given(st.lists(truths, min_size=1, max_size=2))
def test_sets_are_the_smallest_when_worked_out_by_hand(
    facts: list[tuple[bool | None, ...]],
) -> None:
    """To approve: all that is open of one transplant. To deny: one fact of each open one."""
    on_file = [transplant(f"t{index}", each) for index, each in enumerate(facts)]
    found = sizes(changes_of_line(case((line(),), *on_file)))
    open_ones = [each for each in facts if False not in each]
    if not open_ones or QUALIFYING in open_ones:
        assert found == {}
    else:
        assert found == {
            Outcome.APPROVE: min(each.count(None) for each in open_ones),
            Outcome.DENY: len(open_ones),
        }


@given(st.lists(truths, min_size=1, max_size=2))
def test_every_set_does_what_it_says_when_it_is_filled_in(
    facts: list[tuple[bool | None, ...]],
) -> None:
    """And leaves the outcome as it was when any one fact of it is left out."""
    given_case = case((line(),), *[transplant(f"t{i}", each) for i, each in enumerate(facts)])
    for change in changes_of_line(given_case).found:
        for left_out in (None, *change.facts):
            known = given_case
            for fact in change.facts:
                if fact is not left_out:
                    known = fact.answer.apply(known)
            decision = DECIDER.decide(known.claim, known.transplants)
            assert decision is not None
            expected = change.to if left_out is None else Outcome.PEND
            assert decision.decision is expected


def test_one_answer_denies_when_the_lymphocyte_donor_is_missing() -> None:
    """Somebody else than every donor on file, also where a transplant has none."""
    nameless = transplant("b", (True, True, True, True, None))
    changes = changes_of_line(case((line(donor_id=None),), transplant("a"), nameless))
    assert sizes(changes) == {Outcome.APPROVE: 1, Outcome.DENY: 1}
    approvals = [c.facts[0].answer.says for c in changes.found if c.to is Outcome.APPROVE]
    assert approvals == ["the donor of transplant a", "the donor of transplant b"]


def test_history_is_asked_for_when_there_is_none() -> None:
    """Which transplant there was decides either way."""
    changes = changes_of_line(case((line(),)))
    assert sizes(changes) == {Outcome.APPROVE: 1, Outcome.DENY: 1}


def test_service_is_asked_for_when_an_unlisted_code_says_nothing() -> None:
    """All three things it may be, collection by way of a qualifying transplant."""
    changes = changes_of_line(case((line(procedure_code="86999"),), transplant("a")))
    assert sizes(changes) == {Outcome.APPROVE: 1, Outcome.DENY: 1, None: 1}


def test_diagnosis_and_what_comes_behind_it_are_asked_for_when_a_code_is_invalid() -> None:
    """A listed diagnosis alone does not approve while the donor is unknown."""
    invalid = line(diagnoses=(Icd10Code("C860"),), donor_id=None)
    changes = changes_of_line(case((invalid,), transplant("a")))
    assert sizes(changes) == {Outcome.APPROVE: 2, Outcome.DENY: 1}


@pytest.mark.parametrize(
    "pending",
    [
        line(diagnoses=(Icd10Code("D469"),)),
        line(diagnoses=(Icd10Code("C829A"),)),
        line(procedure_description="CAR T cells"),
        line(specified_as=SpecifiedAs.GENETIC_MODIFICATION),
        line(specified_as=SpecifiedAs.COLLECTION),
        line(service_date=date(2020, 1, 1)),
    ],
)
def test_nothing_is_asked_for_when_a_person_has_to_decide(pending: ServiceLine) -> None:
    """What is open there is no fact."""
    assert changes_of_line(case((pending,), transplant("a"))) == Changes()


def test_unrecorded_transplant_is_asked_for_when_history_is_partial() -> None:
    """Only under that setting may another one exist."""
    decider = Decider(POLICIES, settings=DecisionSettings(history="partial"))
    autologous = transplant("a", (True, False, True, True, True))
    assert sizes(changes_of_line(case((line(),), autologous), decider)) == {Outcome.APPROVE: 1}


def test_claim_needs_every_pending_line_settled() -> None:
    """Facts that two lines share count once."""
    lines = (line(1, donor_id=None), line(2), line(3, procedure_code="86999"))
    unsettled = transplant("a", (True, True, True, None, True))
    given_case = case(lines, unsettled)
    decision = DECIDER.decide(given_case.claim, given_case.transplants)
    assert decision is not None
    finder = Finder(DECIDER, POLICIES)
    by_line = {each.line_number: finder.of_line(given_case, each) for each in decision.lines}
    found = sizes(finder.of_claim(given_case, decision, by_line))
    # Approval: necessity (lines 1, 2, 3), the donor of line 1, what line 3 is. Denial: that the
    # transplant was not necessary denies lines 1 and 2, and line 3 is another service or so.
    assert found == {Outcome.APPROVE: 3, Outcome.DENY: 2}


def test_search_says_so_when_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a set called smallest that nobody compared."""
    monkeypatch.setattr(missing, "MOST_TRIALS", 3)
    unknown = transplant("a", (None, None, None, None, None))
    assert not changes_of_line(case((line(),), unknown)).complete
