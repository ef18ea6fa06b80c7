"""Rule 8: what a diagnosis is to the coding section on a date of service."""

from datetime import date
from enum import IntEnum
from typing import Any

from msgspec import Struct

from stream_app.domain.codes import CATEGORY_LENGTH, Icd10Code, dotted
from stream_app.policy.icd10cm import Icd10Table, TableRow
from stream_app.policy.model import DiagnosisRange, GuidelineVersion


class Finding(IntEnum):
    """What a diagnosis is, in the order in which the rule goes by the first that fits any."""

    LISTED = 0
    BESIDE_LISTED_RANGE = 1
    """Valid, and of a category that a row's title describes, but outside the codes it prints."""
    UNLISTED_HEMATOLOGIC_MALIGNANCY = 2
    INVALID_ON_SERVICE_DATE = 3
    """Retired, not yet valid or not billable, in a category whose codes are all held."""
    NOT_LISTED = 4


class Diagnosis(Struct, frozen=True):
    """One code looked up, with the evidence to show."""

    finding: Finding
    evidence: dict[str, Any]


class _Known(Struct, frozen=True):
    """A code of the table: what it is while valid and otherwise."""

    row: TableRow
    valid: Diagnosis
    invalid: Diagnosis


class DiagnosisList:
    """Looks diagnoses up for one version. All of the table is worked out at the start."""

    def __init__(self, version: GuidelineVersion, table: Icd10Table) -> None:
        self._table = table
        self._known = {row.code: _known(row, version, table) for row in table.rows}

    def look_up(self, code: Icd10Code, on: date) -> Diagnosis:
        """What `code` is on a date of service."""
        known = self._known.get(code)
        if known is not None:
            return known.valid if known.row.valid_on(on) else known.invalid
        if self._table.knows_category_of(code):
            return _diagnosis(code, Finding.INVALID_ON_SERVICE_DATE, valid=False)
        return _diagnosis(code, Finding.NOT_LISTED, valid=None)


def _known(row: TableRow, version: GuidelineVersion, table: Icd10Table) -> _Known:
    listed = next((r for r in version.diagnosis_ranges if _holds(r, row, table)), None)
    if listed is not None:
        valid = _diagnosis(row.code, Finding.LISTED, valid=True, range_=listed)
    elif any(row.code[:CATEGORY_LENGTH] == r.category for r in version.diagnosis_ranges):
        valid = _diagnosis(row.code, Finding.BESIDE_LISTED_RANGE, valid=True)
    elif any(stem.covers(row.code) for stem in version.hematologic_malignancies):
        valid = _diagnosis(row.code, Finding.UNLISTED_HEMATOLOGIC_MALIGNANCY, valid=True)
    else:
        valid = _diagnosis(row.code, Finding.NOT_LISTED, valid=True)
    invalid = _diagnosis(row.code, Finding.INVALID_ON_SERVICE_DATE, valid=False)
    return _Known(row=row, valid=valid, invalid=invalid)


def _holds(listed: DiagnosisRange, row: TableRow, table: Icd10Table) -> bool:
    first, last = table.get(listed.first), table.get(listed.last)
    return (
        first is not None and last is not None and first.position <= row.position <= last.position
    )


def _diagnosis(
    code: Icd10Code, finding: Finding, *, valid: bool | None, range_: DiagnosisRange | None = None
) -> Diagnosis:
    """`valid` None: the table does not hold the code's category and cannot tell."""
    return Diagnosis(
        finding=finding,
        evidence={
            "code": dotted(code),
            "valid": valid,
            "range": f"{dotted(range_.first)}-{dotted(range_.last)}" if range_ else None,
            "finding": finding.name.lower(),
        },
    )
