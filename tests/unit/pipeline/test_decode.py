"""What a decoded event holds."""

import json
from datetime import date
from typing import Any

import pytest

from stream_app.domain.claim import ClaimFrequency, ServiceLine, SpecifiedAs
from stream_app.domain.history import Transplant, TransplantStatus, TransplantType
from stream_app.domain.instant import Instant
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decode import decode_claim, decode_history

LINE: dict[str, Any] = {
    "line_number": 1,
    "procedure_code": "38242",
    "service_date": "2024-10-15",
}
CLAIM: dict[str, Any] = {
    "event_id": "evt",
    "occurred_at": "2024-11-05T10:11:12.50Z",
    "claim_id": "CLM",
    "member_id": "MBR",
    "diagnoses": ["C92.10", " d45\t"],
    "service_lines": [LINE],
}
HISTORY: dict[str, Any] = {
    "event_id": "evt",
    "occurred_at": "2024-11-05T10:11:12Z",
    "member_id": "MBR",
    "transplant_id": "TX",
    "transplant": {},
}


def claim(**changes: Any) -> Any:
    decoded = decode_claim(json.dumps({**CLAIM, **changes}).encode())
    assert decoded is not None
    return decoded


def line(**changes: Any) -> ServiceLine:
    return claim(service_lines=[{**LINE, **changes}]).lines[0]


def history(**changes: Any) -> Any:
    return decode_history(json.dumps({**HISTORY, **changes}).encode())


def test_claim_holds_what_was_sent() -> None:
    decoded = claim(
        claim_version=3,
        claim_frequency_code="7",
        line_of_business="medicare",
        plan_id=" P1 ",
        state="NY",
    )
    assert decoded.occurred_at == Instant(28_846_691, 12, "5")
    assert (decoded.event_id, decoded.claim_id, decoded.member_id) == ("evt", "CLM", "MBR")
    assert (decoded.claim_version, decoded.frequency) == (3, ClaimFrequency.REPLACEMENT)
    assert (decoded.line_of_business, decoded.plan_id, decoded.state) == ("medicare", " P1 ", "NY")
    assert decoded.lines == (
        ServiceLine(1, "38242", date(2024, 10, 15), diagnoses=("C9210", "D45")),
    )


@pytest.mark.parametrize("nothing", [None, "", " ", "\u3000\t"])
def test_optional_text_is_absent_when_null_or_blank(nothing: str | None) -> None:
    decoded = claim(claim_frequency_code=nothing, plan_id=nothing, state=nothing)
    assert decoded == claim()
    spelt_out = line(service_date_end=nothing, specified_as=nothing, donor_id=nothing)
    assert spelt_out == line()
    empty = {"type": nothing, "status": nothing, "transplant_date": nothing, "indication": nothing}
    assert history(operation=nothing, transplant=empty) == history()


def test_line_holds_what_was_sent() -> None:
    decoded = line(
        procedure_code="86999",
        service_date_end="2024-10-17",
        diagnosis_pointers=[2.0, 1, 2],
        procedure_description=" Collection ",
        specified_as="donor_lymphocyte_collection",
        donor_id="DNR",
    )
    assert decoded == ServiceLine(
        1,
        "86999",
        date(2024, 10, 15),
        diagnoses=("D45", "C9210", "D45"),
        service_date_end=date(2024, 10, 17),
        procedure_description=" Collection ",
        specified_as=SpecifiedAs.COLLECTION,
        donor_id="DNR",
    )


@pytest.mark.parametrize("pointers", [None, []])
def test_line_points_to_all_diagnoses_when_it_has_no_pointers(pointers: list[int] | None) -> None:
    assert line(diagnosis_pointers=pointers).diagnoses == ("C9210", "D45")


def test_claim_keeps_in_scope_lines_only_and_in_order() -> None:
    decoded = claim(
        service_lines=[
            {**LINE, "line_number": 9},
            {**LINE, "line_number": 4, "procedure_code": "99213"},
            {**LINE, "line_number": 2.0, "procedure_code": "86999"},
            {
                **LINE,
                "line_number": 3,
                "procedure_code": "38205",
                "specified_as": "donor_lymphocyte_collection",
            },
        ]
    )
    assert [each.line_number for each in decoded.lines] == [2, 3, 9]
    assert all(type(each.line_number) is int for each in decoded.lines)


def test_claim_has_no_lines_when_it_only_names_replaced_codes() -> None:
    other = [{**LINE, "procedure_code": "99213"}]
    assert claim(service_lines=other, replaced_procedure_codes=["38242"]).lines == ()
    assert decode_claim(json.dumps({**CLAIM, "service_lines": other}).encode()) is None


def test_history_holds_what_was_sent() -> None:
    sent = {
        "type": "allogeneic",
        "status": "performed",
        "conditioning": "myeloablative",
        "transplant_date": "2023-05-20",
        "indication": " c92.10",
        "medically_necessary": False,
        "donor_id": "DNR",
    }
    assert history(transplant=sent).transplant == Transplant(
        transplant_id="TX",
        type=TransplantType.ALLOGENEIC,
        status=TransplantStatus.PERFORMED,
        conditioning="myeloablative",
        transplant_date=date(2023, 5, 20),
        indication=" c92.10",
        medically_necessary=False,
        donor_id="DNR",
    )


@pytest.mark.parametrize("conditioning", [7, 1e300, True, {"a": [1]}, "", None])
def test_conditioning_is_absent_when_it_is_no_text(conditioning: object) -> None:
    """No rule reads it, and a number would not write the same everywhere it is hashed."""
    assert history(transplant={"conditioning": conditioning}) == history()


def test_retraction_ignores_the_transplant() -> None:
    decoded = history(operation="retract", transplant={"type": "nonsense"})
    assert decoded.transplant is None
    assert decoded.transplant_id == "TX"


def test_first_fault_is_named_when_there_are_several() -> None:
    with pytest.raises(MalformedEvent, match=r"^SCHEMA_VIOLATION at \$\.claim_id$"):
        claim(claim_id="", state=7, service_lines=[{**LINE, "service_date": "soon"}])


def test_schema_goes_before_contradictions() -> None:
    twice = [LINE, LINE]
    with pytest.raises(MalformedEvent, match=r"INCONSISTENT at \$\.service_lines\[1\]\.line_num"):
        claim(service_lines=twice)
    with pytest.raises(MalformedEvent, match=r"SCHEMA_VIOLATION at \$\.occurred_at"):
        claim(service_lines=twice, occurred_at="soon")
