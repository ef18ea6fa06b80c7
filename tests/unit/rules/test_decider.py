"""What a decision's id hangs on, and what an explanation shows."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from stream_app.domain.claim import Claim, ServiceLine, SpecifiedAs
from stream_app.domain.decision import Decision
from stream_app.domain.history import Transplant, TransplantType
from stream_app.domain.instant import Instant
from stream_app.domain.vocabulary import CriterionName
from stream_app.pipeline.decide import DECISION_NAMESPACE, Decider
from stream_app.policy.applicability import Applicability, ApplicabilityRow
from stream_app.policy.load import load_policies
from stream_app.rules.settings import DecisionSettings

POLICIES = load_policies()
LINE = ServiceLine(
    line_number=1,
    procedure_code="38242",
    service_date=date(2025, 3, 10),
    diagnoses=("C9210",),
    donor_id="D1",
)
CLAIM = Claim(
    event_id="event-1",
    occurred_at=Instant(0, 0),
    claim_id="claim",
    member_id="member",
    lines=(LINE,),
)
TRANSPLANT = Transplant(
    transplant_id="T1",
    type=TransplantType.ALLOGENEIC,
    transplant_date=date(2024, 6, 1),
    indication="C92.10",
    medically_necessary=True,
    donor_id="D1",
)
replace = msgspec.structs.replace


def decide(
    claim: Claim = CLAIM,
    transplants: tuple[Transplant, ...] = (TRANSPLANT,),
    applicability: Applicability | None = None,
    settings: DecisionSettings | None = None,
) -> Decision:
    decision = Decider(POLICIES, applicability, settings).decide(claim, transplants)
    assert decision is not None
    return decision


def on_line(**changes: Any) -> Claim:
    return replace(CLAIM, lines=(replace(LINE, **changes),))


def test_decision_id_is_a_uuid5_in_the_namespace_that_never_changes() -> None:
    """Another namespace would rename every decision: consumers would take all of them for new."""
    assert UUID("5a3b0f6e-9c0e-4c55-8d4e-2b7f1c6a9d03") == DECISION_NAMESPACE
    decision_id = decide().decision_id
    assert UUID(decision_id).version == 5
    assert UUID(decision_id).variant == "specified in RFC 4122"
    assert str(UUID(decision_id)) == decision_id


@pytest.mark.parametrize(
    "claim",
    [
        replace(CLAIM, event_id="event-2"),
        replace(CLAIM, occurred_at=Instant(5, 5)),
        on_line(diagnoses=("C9210", "C9210")),
    ],
)
def test_decision_id_stays_when_only_the_event_differs(claim: Claim) -> None:
    assert decide(claim).decision_id == decide().decision_id


@pytest.mark.parametrize(
    "claim",
    [
        replace(CLAIM, claim_id="other"),
        replace(CLAIM, claim_version=2),
        replace(CLAIM, member_id="other"),
        replace(CLAIM, line_of_business="commercial"),
        replace(CLAIM, plan_id="P"),
        replace(CLAIM, state="NY"),
        on_line(line_number=2),
        on_line(service_date=date(2025, 3, 11)),
        on_line(service_date_end=date(2025, 3, 11)),
        on_line(diagnoses=("C9211",)),
        on_line(diagnoses=("C9210", "I10")),
        on_line(procedure_description="DLI"),
        on_line(specified_as=SpecifiedAs.COLLECTION),
        on_line(procedure_code="38206", specified_as=SpecifiedAs.COLLECTION),
        on_line(donor_id="d1"),
        on_line(donor_id=None),
    ],
)
def test_decision_id_changes_when_the_claim_says_something_else(claim: Claim) -> None:
    assert decide(claim).decision_id != decide().decision_id


@pytest.mark.parametrize(
    "transplants",
    [
        (),
        (TRANSPLANT, replace(TRANSPLANT, transplant_id="T2")),
        (replace(TRANSPLANT, transplant_id="T2"),),
        (replace(TRANSPLANT, conditioning="myeloablative"),),
        (replace(TRANSPLANT, transplant_date=date(2024, 6, 2)),),
        (replace(TRANSPLANT, indication="c92.10"),),
        (replace(TRANSPLANT, medically_necessary=None),),
    ],
)
def test_decision_id_changes_when_the_history_says_something_else(
    transplants: tuple[Transplant, ...],
) -> None:
    assert decide(transplants=transplants).decision_id != decide().decision_id


@pytest.mark.parametrize(
    "settings",
    [
        DecisionSettings(missing_donor="presume_same"),
        DecisionSettings(history="partial"),
        DecisionSettings(unlisted_hematologic_diagnosis="deny"),
        DecisionSettings(adverse_determination="review"),
    ],
)
def test_decision_id_changes_when_a_setting_does(settings: DecisionSettings) -> None:
    assert decide(settings=settings).decision_id != decide().decision_id


def test_decision_id_changes_only_when_a_matching_applicability_row_does() -> None:
    review = Applicability((ApplicabilityRow(state="CA", adverse_determination="review"),))
    assert decide(applicability=review).decision_id == decide().decision_id
    californian = replace(CLAIM, state="CA")
    assert decide(californian, applicability=review).decision_id != decide(californian).decision_id


def test_decision_id_changes_only_when_the_policy_of_its_day_does() -> None:
    old, new = POLICIES.versions
    edited = Decider(replace(POLICIES, versions=(replace(old, hash="0"), new)))
    assert edited.decide(CLAIM, [TRANSPLANT]) == decide()
    edited = Decider(replace(POLICIES, versions=(old, replace(new, hash="0"))))
    other = edited.decide(CLAIM, [TRANSPLANT])
    assert other is not None
    assert other.decision_id != decide().decision_id


def test_line_that_is_not_in_scope_is_not_decided() -> None:
    claim = on_line(procedure_code="99213")
    assert Decider(POLICIES).decide(claim, [TRANSPLANT]) is None


def test_history_is_explained_by_all_facts_of_every_transplant_in_order_of_ids() -> None:
    second = replace(TRANSPLANT, transplant_id="T0", type=TransplantType.AUTOLOGOUS)
    (line,) = decide(transplants=(TRANSPLANT, second)).lines
    facts = [
        (criterion.evidence["transplant_id"], criterion.criterion, criterion.value)
        for criterion in line.criteria
        if "transplant_id" in criterion.evidence
    ]
    names = [
        "transplant_performed_before_infusion",
        "transplant_allogeneic",
        "transplant_for_hematologic_malignancy",
        "transplant_medically_necessary",
        "same_donor",
    ]
    expected = [("T0", name, name != "transplant_allogeneic") for name in names]
    assert facts == expected + [("T1", name, True) for name in names]
    assert line.criteria[-1].criterion == CriterionName.QUALIFYING_TRANSPLANT
    assert line.criteria[-1].evidence == {"transplants_on_file": 2, "closest": "T1"}


def test_diagnoses_are_explained_one_by_one() -> None:
    (line,) = decide(on_line(diagnoses=("I10", "C9210", "C921"))).lines
    (criterion,) = (c for c in line.criteria if c.criterion == "diagnosis_listed")
    assert criterion.evidence == {
        "service_date": "2025-03-10",
        "diagnoses": [
            {
                "code": "C92.1",
                "valid": False,
                "range": None,
                "finding": "invalid_on_service_date",
            },
            {"code": "C92.10", "valid": True, "range": "C92.00-C92.92", "finding": "listed"},
            {"code": "I10", "valid": None, "range": None, "finding": "not_listed"},
        ],
    }


def test_description_is_explained_by_the_phrases_found() -> None:
    claim = on_line(
        procedure_code="86999", procedure_description="Lymphocytes, not genetically modified"
    )
    (line,) = decide(claim).lines
    assert line.criteria[-1].evidence == {
        "procedure_description": "Lymphocytes, not genetically modified",
        "phrases": {
            "genetic_modification": ["genetically ... modif*"],
            "lymphocytes": ["lymphocytes"],
            "negation": ["not"],
            "modification_hint": ["modif*"],
        },
    }


def test_what_is_decided_early_does_not_look_further() -> None:
    (line,) = decide(on_line(diagnoses=("I10",))).lines
    assert [criterion.criterion for criterion in line.criteria] == [
        "guideline_adopted",
        "policy_version_in_force",
        "nothing_takes_precedence",
        "genetic_modification_specified",
        "genetic_modification_described",
        "diagnosis_listed",
    ]
