"""A deny needs evidence: what is not known never denies, and never approves either."""

from collections.abc import Callable
from datetime import date
from itertools import product

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stream_app.domain.claim import Claim, ServiceLine
from stream_app.domain.history import Transplant, TransplantStatus, TransplantType
from stream_app.domain.instant import Instant
from stream_app.pipeline.decide import Decider
from stream_app.rules.logic import all_true, any_true
from tests.property.rules_strategies import POLICIES, claims, histories, infusions

DECIDER = Decider(POLICIES)
TRUTHS = (True, False, None)
replace = msgspec.structs.replace

# Each way in which what is on file of one fact can be missing.
FORGET: dict[str, Callable[[Transplant], Transplant]] = {
    "performed, but when?": lambda t: replace(
        t, transplant_date=None, status=TransplantStatus.PERFORMED
    ),
    "planned only": lambda t: replace(t, status=TransplantStatus.PLANNED),
    "type absent": lambda t: replace(t, type=None),
    "type unknown": lambda t: replace(t, type=TransplantType.UNKNOWN),
    "syngeneic": lambda t: replace(t, type=TransplantType.SYNGENEIC),
    "indication absent": lambda t: replace(t, indication=None),
    "indication in words": lambda t: replace(t, indication="leukemia"),
    "necessity undetermined": lambda t: replace(t, medically_necessary=None),
    "donor absent": lambda t: replace(t, donor_id=None),
}
forgetting = st.sampled_from(sorted(FORGET))


DENY = (
    "TRANSPLANT_NOT_BEFORE_INFUSION",
    "TRANSPLANT_NOT_ALLOGENEIC",
    "INDICATION_NOT_HEMATOLOGIC_MALIGNANCY",
    "TRANSPLANT_NOT_MEDICALLY_NECESSARY",
    "DONOR_MISMATCH",
)
PEND = (
    "TRANSPLANT_NOT_CONFIRMED",
    "TRANSPLANT_TYPE_UNKNOWN",
    "INDICATION_UNKNOWN",
    "TRANSPLANT_NECESSITY_UNDETERMINED",
    "DONOR_UNKNOWN",
)


def transplant_with(
    performed: bool | None,
    allogeneic: bool | None,
    malignancy: bool | None,
    necessary: bool | None,
    same_donor: bool | None,
) -> Transplant:
    """A transplant of which an infusion of D1's cells on 2025-03-10 has these facts."""
    return Transplant(
        transplant_id="T",
        transplant_date={True: date(2024, 1, 1), False: date(2025, 4, 1), None: None}[performed],
        type={True: TransplantType.ALLOGENEIC, False: TransplantType.AUTOLOGOUS, None: None}[
            allogeneic
        ],
        indication={True: "C92.10", False: "D61.9", None: None}[malignancy],
        medically_necessary=necessary,
        donor_id={True: "D1", False: "D2", None: None}[same_donor],
    )


def outcome(claim: Claim, transplants: list[Transplant]) -> str | None:
    decision = DECIDER.decide(claim, transplants)
    return decision.decision.value if decision else None


@given(infusions, histories.filter(bool), forgetting, st.data())
def test_infusion_turns_into_a_pend_or_stays_when_a_fact_is_forgotten(
    claim: Claim, transplants: list[Transplant], fact: str, data: st.DataObject
) -> None:
    """Issue: a fact made unknown never turns pend or approve into deny, nor pend into approve."""
    index = data.draw(st.integers(0, len(transplants) - 1))
    forgotten = list(transplants)
    forgotten[index] = FORGET[fact](transplants[index])
    before, after = outcome(claim, transplants), outcome(claim, forgotten)
    assert after in {before, "pend"}


@given(claims(), histories.filter(bool), forgetting, st.data())
def test_no_line_is_denied_when_a_fact_is_forgotten_that_was_not_denied_before(
    claim: Claim, transplants: list[Transplant], fact: str, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(transplants) - 1))
    forgotten = list(transplants)
    forgotten[index] = FORGET[fact](transplants[index])
    before, after = DECIDER.decide(claim, transplants), DECIDER.decide(claim, forgotten)
    if before is None or after is None:
        assert before is after
        return
    for was, now in zip(before.lines, after.lines, strict=True):
        assert now.decision != "deny" or was.decision == "deny"


@given(infusions, histories.filter(bool))
def test_infusion_pends_when_the_lymphocyte_donor_is_forgotten(
    claim: Claim, transplants: list[Transplant]
) -> None:
    line = replace(claim.lines[0], donor_id=None)
    before = outcome(claim, transplants)
    after = outcome(replace(claim, lines=(line,)), transplants)
    assert after in {before, "pend"}


@given(infusions, histories)
def test_infusion_is_never_denied_when_no_transplant_has_a_known_fact(
    claim: Claim, transplants: list[Transplant]
) -> None:
    blank = [
        Transplant(transplant_id=each.transplant_id, conditioning=each.conditioning)
        for each in transplants
    ]
    assert outcome(claim, blank) == "pend"


def test_infusion_agrees_with_kleene_when_every_combination_of_facts_is_tried() -> None:
    """3**5 transplants: approve iff all true, deny iff any false, else pend; codes in order."""
    line = ServiceLine(1, "38242", date(2025, 3, 10), ("C9210",), donor_id="D1")
    base = Claim("event", Instant(0, 0), "claim", "member", (line,))
    for facts in product(TRUTHS, repeat=5):
        decision = DECIDER.decide(base, [transplant_with(*facts)])
        assert decision is not None
        truth = all_true(facts)
        codes = [reason.code for reason in decision.lines[0].reasons]
        expected = {True: "approve", False: "deny", None: "pend"}[truth]
        assert (facts, decision.decision) == (facts, expected)
        if truth is not True:
            table = DENY if truth is False else PEND
            assert codes == [table[i] for i, fact in enumerate(facts) if fact is truth]
        values = [criterion.value for criterion in decision.lines[0].criteria]
        assert tuple(values[-6:-1]) == facts
        assert values[-1] is truth


def test_two_transplants_are_joined_by_or_when_every_pair_of_truths_is_tried() -> None:
    assert [any_true(pair) for pair in product(TRUTHS, repeat=2)] == [
        True, True, True,
        True, False, None,
        True, None, None,
    ]  # fmt: skip
    assert [all_true(pair) for pair in product(TRUTHS, repeat=2)] == [
        True, False, None,
        False, False, False,
        None, False, None,
    ]  # fmt: skip
