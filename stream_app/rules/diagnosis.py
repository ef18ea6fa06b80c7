"""Rule 8: what a diagnosis is to the coding section on a date of service."""

from datetime import date
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from stream_app.domain.codes import CATEGORY_LENGTH, Icd10Code, dotted
from stream_app.domain.decision import Criterion
from stream_app.domain.vocabulary import CriterionName, ReasonCode
from stream_app.policy.icd10cm import Icd10Table, TableRow
from stream_app.policy.model import DiagnosisRange, GuidelineVersion
from stream_app.rules.settings import DecisionSettings


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
    name: str
    """The finding's, as JSON has it."""
    evidence: dict[str, Any]


class _Known(Struct, frozen=True):
    """A code of the table: what it is from `first` to `last` and at other times."""

    first: date
    last: date
    valid: Diagnosis
    invalid: Diagnosis


class _Span(NamedTuple):
    """A range as positions in the table."""

    first: int
    last: int
    range: str

    @classmethod
    def of(cls, listed: DiagnosisRange, table: Icd10Table) -> "_Span":
        first, last = table[listed.first], table[listed.last]
        return cls(first.position, last.position, f"{dotted(listed.first)}-{dotted(listed.last)}")


class Judgement(Struct, frozen=True):
    """What a line's diagnoses come to."""

    objection: ReasonCode | None
    """None: one of them is listed."""
    criterion: Criterion
    findings: dict[str, str]
    """By code, in order."""


class DiagnosisRule:
    """Judges diagnoses for one version.

    What each code of the table is, valid or not, is worked out at the start, so that a look-up
    is one of a dictionary and two of a date.
    """

    def __init__(
        self, version: GuidelineVersion, table: Icd10Table, settings: DecisionSettings
    ) -> None:
        self._table = table
        spans = [_Span.of(row, table) for row in version.diagnosis_ranges]
        self._known = {row.code: _known(row, version, spans) for row in table.rows}
        self._objections = {
            Finding.LISTED: None,
            Finding.BESIDE_LISTED_RANGE: ReasonCode.DIAGNOSIS_OUTSIDE_LISTED_RANGE,
            Finding.UNLISTED_HEMATOLOGIC_MALIGNANCY: (
                ReasonCode.DIAGNOSIS_NOT_LISTED
                if settings.unlisted_hematologic_diagnosis == "deny"
                else ReasonCode.HEMATOLOGIC_DIAGNOSIS_NOT_LISTED
            ),
            Finding.INVALID_ON_SERVICE_DATE: ReasonCode.DIAGNOSIS_INVALID_ON_SERVICE_DATE,
            Finding.NOT_LISTED: ReasonCode.DIAGNOSIS_NOT_LISTED,
        }
        # Few days are in use at a time, and on each the same codes come again and again.
        self.judge = lru_cache(maxsize=2048)(self._judge)

    def look_up(self, code: Icd10Code, on: date) -> Diagnosis:
        """What `code` is on a date of service."""
        known = self._known.get(code)
        if known is not None:
            return known.valid if known.first <= on <= known.last else known.invalid
        if self._table.knows_category_of(code):
            return _diagnosis(code, Finding.INVALID_ON_SERVICE_DATE, valid=False)
        return _diagnosis(code, Finding.NOT_LISTED, valid=None)

    def _judge(self, codes: tuple[Icd10Code, ...], on: date) -> Judgement:
        """What a line's diagnoses, at least one, come to on its date of service."""
        diagnoses = {code: self.look_up(code, on) for code in sorted(set(codes))}
        objection = self._objections[min(found.finding for found in diagnoses.values())]
        truth = objection is None
        return Judgement(
            objection=objection,
            criterion=Criterion(
                CriterionName.DIAGNOSIS_LISTED,
                truth if truth or objection is ReasonCode.DIAGNOSIS_NOT_LISTED else None,
                {
                    "service_date": on.isoformat(),
                    "diagnoses": [found.evidence for found in diagnoses.values()],
                },
            ),
            findings={code: found.name for code, found in diagnoses.items()},
        )


def _known(row: TableRow, version: GuidelineVersion, spans: list[_Span]) -> _Known:
    listed = next((span for span in spans if span.first <= row.position <= span.last), None)
    if listed is not None:
        valid = _diagnosis(row.code, Finding.LISTED, valid=True, range_=listed.range)
    elif any(row.code[:CATEGORY_LENGTH] == r.category for r in version.diagnosis_ranges):
        valid = _diagnosis(row.code, Finding.BESIDE_LISTED_RANGE, valid=True)
    elif any(stem.covers(row.code) for stem in version.hematologic_malignancies):
        valid = _diagnosis(row.code, Finding.UNLISTED_HEMATOLOGIC_MALIGNANCY, valid=True)
    else:
        valid = _diagnosis(row.code, Finding.NOT_LISTED, valid=True)
    return _Known(
        first=row.valid_from or date.min,
        last=row.valid_through or date.max,
        valid=valid,
        invalid=_diagnosis(row.code, Finding.INVALID_ON_SERVICE_DATE, valid=False),
    )


def _diagnosis(
    code: Icd10Code, finding: Finding, *, valid: bool | None, range_: str | None = None
) -> Diagnosis:
    """`valid` None: the table does not hold the code's category and cannot tell."""
    name = finding.name.lower()
    return Diagnosis(
        finding=finding,
        name=name,
        evidence={
            "code": dotted(code),
            "valid": valid,
            "range": range_,
            "finding": name,
        },
    )
