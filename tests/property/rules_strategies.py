"""Claims and histories around every edge that the rules have."""

from datetime import date, timedelta

from hypothesis import strategies as st

from stream_app.domain.claim import Claim, ServiceLine, SpecifiedAs
from stream_app.domain.codes import Icd10Code
from stream_app.domain.history import Transplant, TransplantStatus, TransplantType
from stream_app.domain.instant import Instant
from stream_app.policy.applicability import (
    AdverseDetermination,
    Applicability,
    ApplicabilityRow,
    Precedence,
)
from stream_app.policy.load import load_policies
from stream_app.rules.settings import DecisionSettings

POLICIES = load_policies()
DAYS = [
    day + timedelta(days=shift)
    for day in (date(2023, 6, 28), date(2024, 10, 1), date(2025, 3, 10))
    for shift in (-1, 0, 1)
]
DESCRIPTIONS = [
    None,
    "Allogeneic lymphocyte infusion",
    "genetically modified lymphocytes",
    "lymphocytes, not genetically modified",
    "modified T cells",
    "CAR-T cells",
    "serum eye drops",
    "--",
]
INDICATIONS = ["C92.10", "c9210", "C92", "D46.9", "D47.2", "D75.81", "D61.9", "Z94.84", "AML", None]
CODES = ["C9210", "C82A", "C829A", "C860", "C8600", "C9310", "D45", "D472", "I10", "Z9484", "Z948"]
DONORS = ["D1", " d1 ", "D2", None]

days = st.sampled_from(DAYS)
transplants = st.builds(
    Transplant,
    transplant_id=st.sampled_from(["A", "B", "T9", "T10"]),
    type=st.sampled_from([*TransplantType, None]),
    status=st.sampled_from([*TransplantStatus, None]),
    conditioning=st.sampled_from(["myeloablative", None]),
    transplant_date=st.one_of(st.none(), days, st.just(date(2020, 1, 1))),
    indication=st.sampled_from(INDICATIONS),
    medically_necessary=st.sampled_from([True, False, None]),
    donor_id=st.sampled_from(DONORS),
)
histories = st.lists(transplants, max_size=4, unique_by=lambda each: each.transplant_id)


@st.composite
def service_lines(draw: st.DrawFn, number: int = 1) -> ServiceLine:
    """One line, more often an infusion than not."""
    begins = draw(days)
    return ServiceLine(
        line_number=number,
        procedure_code=draw(st.sampled_from(["38242", "38242", "38242", "86999", "38206"])),
        service_date=begins,
        service_date_end=draw(st.one_of(st.none(), st.just(begins + timedelta(days=2)))),
        diagnoses=tuple(
            draw(st.lists(st.sampled_from(CODES).map(Icd10Code), min_size=1, max_size=3))
        ),
        procedure_description=draw(st.sampled_from(DESCRIPTIONS)),
        specified_as=draw(st.sampled_from([None, None, None, *SpecifiedAs])),
        donor_id=draw(st.sampled_from(DONORS)),
    )


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """A claim of up to three lines."""
    count = draw(st.integers(1, 3))
    return Claim(
        event_id="event",
        occurred_at=Instant(0, 0),
        claim_id="claim",
        member_id="member",
        lines=tuple(draw(service_lines(number)) for number in range(1, count + 1)),
        line_of_business=draw(st.sampled_from(["commercial", None])),
        plan_id=draw(st.sampled_from(["P1", None])),
        state=draw(st.sampled_from(["NY", None])),
    )


infusions = st.builds(
    lambda line: Claim("event", Instant(0, 0), "claim", "member", (line,)),
    st.builds(
        ServiceLine,
        line_number=st.just(1),
        procedure_code=st.just("38242"),
        service_date=st.just(date(2025, 3, 10)),
        service_date_end=st.sampled_from([None, date(2025, 3, 11)]),
        diagnoses=st.just((Icd10Code("C9210"),)),
        donor_id=st.sampled_from(DONORS),
    ),
)
"""Claims that nothing but the history decides."""

settings = st.builds(
    DecisionSettings,
    missing_donor=st.sampled_from(["pend", "presume_same"]),
    history=st.sampled_from(["complete", "partial"]),
    unlisted_hematologic_diagnosis=st.sampled_from(["pend", "deny"]),
    adverse_determination=st.sampled_from(["emit", "review"]),
)
applicabilities = st.builds(
    Applicability,
    rows=st.lists(
        st.builds(
            ApplicabilityRow,
            line_of_business=st.sampled_from(["commercial", None]),
            plan_id=st.sampled_from(["P1", "P2", None]),
            state=st.sampled_from(["NY", None]),
            effective_from=st.one_of(st.none(), days),
            adopted=st.sampled_from([True, False, None]),
            takes_precedence=st.sampled_from([*Precedence, None]),
            adverse_determination=st.sampled_from([*AdverseDetermination, None]),
        ),
        max_size=3,
    ).map(tuple),
    adopted_by_default=st.booleans(),
)
