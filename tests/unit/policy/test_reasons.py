"""The reason codes' table, held against the design's X12 codes and prohibitions."""

from pathlib import Path

import pytest

from stream_app.domain.decision import Outcome
from stream_app.domain.vocabulary import ReasonCode
from stream_app.policy import load_reasons as module
from stream_app.policy.faults import FaultList, PolicyError
from stream_app.policy.load import load_policies
from stream_app.policy.load_reasons import load_reasons
from stream_app.policy.model import ReasonRow

REASONS = load_policies().reasons
FILE = Path(module.__file__).with_name("reasons.yaml")
PREREQUISITE = ("CO", "50", ("N674",), None)
NOT_NECESSARY = ("CO", "50", ("N130",), None)
RECORDS = ("CO", "252", ("M127",), "P1")
REVIEW = ("OA", "133", (), "P2")

EXPECTED = {
    "TRANSPLANT_NOT_BEFORE_INFUSION": PREREQUISITE,
    "TRANSPLANT_NOT_ALLOGENEIC": PREREQUISITE,
    "INDICATION_NOT_HEMATOLOGIC_MALIGNANCY": NOT_NECESSARY,
    "TRANSPLANT_NOT_MEDICALLY_NECESSARY": NOT_NECESSARY,
    "DONOR_MISMATCH": NOT_NECESSARY,
    "GENETIC_MODIFICATION_NOT_MEDICALLY_NECESSARY": NOT_NECESSARY,
    "DIAGNOSIS_NOT_LISTED": ("CO", "167", (), None),
    "HISTORY_NOT_FOUND": RECORDS,
    "QUALIFYING_TRANSPLANT_NOT_FOUND": RECORDS,
    "TRANSPLANT_NOT_CONFIRMED": RECORDS,
    "TRANSPLANT_TYPE_UNKNOWN": RECORDS,
    "INDICATION_UNKNOWN": RECORDS,
    "TRANSPLANT_NECESSITY_UNDETERMINED": RECORDS,
    "DONOR_UNKNOWN": RECORDS,
    "COLLECTION_CRITERIA_NOT_EVIDENCED": RECORDS,
    "UNLISTED_CODE_UNSPECIFIED": ("CO", "16", ("N350",), "P1"),
    "DIAGNOSIS_INVALID_ON_SERVICE_DATE": ("CO", "146", ("M76",), "P1"),
    "CONFLICTING_SERVICE_SPECIFICATION": ("CO", "16", ("M51",), "P1"),
    "NO_POLICY_VERSION_IN_EFFECT": REVIEW,
    "PRECEDENCE_REVIEW": REVIEW,
    "MODIFIED_LYMPHOCYTES_REVIEW": REVIEW,
    "UNLISTED_CODE_AMBIGUOUS": REVIEW,
    "DIAGNOSIS_OUTSIDE_LISTED_RANGE": REVIEW,
    "HEMATOLOGIC_DIAGNOSIS_NOT_LISTED": REVIEW,
    "ADVERSE_DETERMINATION_REVIEW": REVIEW,
    "DLI_CRITERIA_MET": None,
    "DONOR_CELL_COLLECTION_CRITERIA_MET": None,
}


def codes(row: ReasonRow) -> tuple[str, str, tuple[str, ...], str | None] | None:
    if row.adjustment is None:
        return None
    status = row.claim_status.category if row.claim_status else None
    return row.adjustment.group, row.adjustment.carc, row.adjustment.rarc, status


def test_every_reason_has_the_codes_of_the_design() -> None:
    assert {code.value: codes(row) for code, row in REASONS.items()} == EXPECTED
    assert set(REASONS) == set(ReasonCode)


@pytest.mark.parametrize("code", ReasonCode)
def test_no_reason_has_a_forbidden_code(code: ReasonCode) -> None:
    """The design's `Never` list, row by row."""
    adjustment = REASONS[code].adjustment
    if adjustment is None:
        return
    assert adjustment.carc != "B5", "stopped 2016-05-01"
    assert not {"N115", "N386"} & set(adjustment.rarc), "Medicare's LCD and NCD"
    assert "N10" not in adjustment.rarc, "no review has taken place"
    assert adjustment.rarc or adjustment.carc not in {"16", "252"}, "these need a RARC"
    assert adjustment.group == "OA" or adjustment.carc != "133"


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_has_one_sentence_and_a_section(code: ReasonCode) -> None:
    row = REASONS[code]
    assert row.reason.code == code
    assert row.reason.text.endswith(".")
    assert ". " not in row.reason.text
    assert row.reason.section


@pytest.mark.parametrize("code", ReasonCode)
def test_codes_fit_the_outcome(code: ReasonCode) -> None:
    row = REASONS[code]
    assert (row.adjustment is None) is (row.outcome is Outcome.APPROVE)
    assert (row.claim_status is not None) is (row.outcome is Outcome.PEND)


@pytest.mark.parametrize("code", ReasonCode)
def test_section_is_one_that_the_versions_name_or_says_that_it_is_not(code: ReasonCode) -> None:
    section = REASONS[code].reason.section
    named = {name for version in load_policies().versions for name in version.sections}
    assert (
        section in named
        or section.startswith("Service rule: ")
        or section == "Closing notice (precedence and adoption)"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("code: DONOR_UNKNOWN", "code: DONOR_UNKOWN", "must be one of NO_POLICY_VERSION"),
        ("code: DONOR_UNKNOWN", "code: DONOR_MISMATCH", "given twice"),
        ("code: DONOR_UNKNOWN", "code: DONOR_MISMATCH", "lacks DONOR_UNKNOWN"),
        ('carc: "167"', "carc: 167", "must be quoted text"),
        ('carc: "167"', 'carc: "1670"', "is no code of this kind"),
        ('rarc: ["N350"]', "rarc: []", "must not be empty"),
        ("outcome: deny", "outcome: reject", "must be one of approve, deny, pend"),
        ('claim_status: "P2"', "", "pends have a claim status, and nothing else has"),
        ("outcome: approve", "outcome: deny", "denials and pends have an adjustment"),
    ],
)
def test_table_is_refused_when_malformed(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = FILE.read_text()
    assert old in text
    path = tmp_path / "reasons.yaml"
    path.write_text(text.replace(old, new, 1))
    faults = FaultList()
    load_reasons(path, faults)
    with pytest.raises(PolicyError) as caught:
        faults.raise_if_any()
    assert problem in str(caught.value)
    assert all(fault.line for fault in caught.value.faults)
