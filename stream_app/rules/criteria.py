"""The facts of one transplant as they bear on one service line, each with its evidence.

Each function takes the transplant, the line and the `Reading` of version and settings, and
returns a criterion that is true, false or unknown. Missing evidence is unknown, never false.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache

from stream_app.domain.claim import ServiceLine
from stream_app.domain.codes import indication_code
from stream_app.domain.decision import Criterion
from stream_app.domain.history import Transplant, TransplantStatus, TransplantType
from stream_app.domain.vocabulary import CriterionName
from stream_app.policy.model import GuidelineVersion
from stream_app.rules.logic import Truth
from stream_app.rules.settings import DecisionSettings

# Members looked up once: an enumeration's attributes are slow where every decision needs twenty.
_ALLOGENEIC, _AUTOLOGOUS = TransplantType.ALLOGENEIC, TransplantType.AUTOLOGOUS
_PLANNED, _CANCELLED = TransplantStatus.PLANNED, TransplantStatus.CANCELLED
_PERFORMED_BEFORE = CriterionName.TRANSPLANT_PERFORMED_BEFORE_INFUSION
_IS_ALLOGENEIC = CriterionName.TRANSPLANT_ALLOGENEIC
_FOR_MALIGNANCY = CriterionName.TRANSPLANT_FOR_HEMATOLOGIC_MALIGNANCY
_NECESSARY = CriterionName.TRANSPLANT_MEDICALLY_NECESSARY
_SAME_DONOR = CriterionName.SAME_DONOR
_NOT_CANCELLED = CriterionName.TRANSPLANT_NOT_CANCELLED
_NO_MISMATCH = CriterionName.NO_DONOR_MISMATCH

# Longer ones are read anew each time, so that what the cache holds stays small.
_CACHED_TEXT = 32


class Reading:
    """What the facts need to know besides transplant and line."""

    def __init__(self, version: GuidelineVersion, settings: DecisionSettings) -> None:
        self._malignant = version.hematologic_malignancies
        self._undetermined = version.undetermined_malignancies
        self.presume_same_donor = settings.missing_donor == "presume_same"
        self._cached = lru_cache(maxsize=4096)(self._read_indication)

    def indication(self, text: str | None) -> Truth:
        """Whether a transplant's indication is a hematologic malignancy."""
        if text is None:
            return None
        return self._cached(text) if len(text) <= _CACHED_TEXT else self._read_indication(text)

    def _read_indication(self, text: str) -> Truth:
        code = indication_code(text)
        if code is None:
            return None
        if any(stem.covers(code) for stem in self._malignant):
            return True
        return None if any(stem.covers(code) for stem in self._undetermined) else False


def performed_before_infusion(transplant: Transplant, line: ServiceLine, _: Reading) -> Criterion:
    """Fact 1. A date within the line's days is open: either may have come first."""
    day, end = transplant.transplant_date, line.service_date_end
    truth: Truth
    if transplant.status is _CANCELLED:
        truth = False
    elif transplant.status is _PLANNED or day is None:
        truth = None
    elif day < line.service_date:
        truth = True
    else:
        truth = None if day <= (end or line.service_date) else False
    return Criterion(
        _PERFORMED_BEFORE,
        truth,
        {
            "transplant_id": transplant.transplant_id,
            "status": transplant.status,
            "transplant_date": _iso(day) if day is not None else None,
            "service_date": _iso(line.service_date),
            "service_date_end": _iso(end) if end is not None else None,
        },
    )


def allogeneic(transplant: Transplant, _line: ServiceLine, _: Reading) -> Criterion:
    """Fact 2. A twin's cells (syngeneic) are neither clearly one nor the other."""
    given = transplant.type
    return Criterion(
        _IS_ALLOGENEIC,
        True if given is _ALLOGENEIC else False if given is _AUTOLOGOUS else None,
        {"transplant_id": transplant.transplant_id, "type": given},
    )


def for_hematologic_malignancy(
    transplant: Transplant, _line: ServiceLine, reading: Reading
) -> Criterion:
    """Fact 3."""
    return Criterion(
        _FOR_MALIGNANCY,
        reading.indication(transplant.indication),
        {"transplant_id": transplant.transplant_id, "indication": transplant.indication},
    )


def medically_necessary(transplant: Transplant, _line: ServiceLine, _: Reading) -> Criterion:
    """Fact 4."""
    given = transplant.medically_necessary
    return Criterion(
        _NECESSARY,
        given,
        {"transplant_id": transplant.transplant_id, "medically_necessary": given},
    )


def same_donor(transplant: Transplant, line: ServiceLine, reading: Reading) -> Criterion:
    """Fact 5."""
    truth = _same_donor(transplant, line)
    presumed = truth is None and reading.presume_same_donor
    evidence = _donors(transplant, line)
    if presumed:
        evidence["presumed_same"] = True
    return Criterion(_SAME_DONOR, True if presumed else truth, evidence)


def not_cancelled(transplant: Transplant, _line: ServiceLine, _: Reading) -> Criterion:
    """For collection: performed or planned, at any time."""
    return Criterion(
        _NOT_CANCELLED,
        transplant.status is not _CANCELLED,
        {"transplant_id": transplant.transplant_id, "status": transplant.status},
    )


def no_donor_mismatch(transplant: Transplant, line: ServiceLine, _: Reading) -> Criterion:
    """For collection: fact 5 is not false."""
    return Criterion(
        _NO_MISMATCH,
        _same_donor(transplant, line) is not False,
        _donors(transplant, line),
    )


Fact = Callable[[Transplant, ServiceLine, Reading], Criterion]

FACTS: Mapping[CriterionName, Fact] = {
    _PERFORMED_BEFORE: performed_before_infusion,
    _IS_ALLOGENEIC: allogeneic,
    _FOR_MALIGNANCY: for_hematologic_malignancy,
    _NECESSARY: medically_necessary,
    _SAME_DONOR: same_donor,
    _NOT_CANCELLED: not_cancelled,
    _NO_MISMATCH: no_donor_mismatch,
}


def _same_donor(transplant: Transplant, line: ServiceLine) -> Truth:
    ours, theirs = transplant.donor_id, line.donor_id
    if ours is None or theirs is None:
        return None
    return ours == theirs or ours.strip().casefold() == theirs.strip().casefold()


def _donors(transplant: Transplant, line: ServiceLine) -> dict[str, object]:
    return {
        "transplant_id": transplant.transplant_id,
        "transplant_donor_id": transplant.donor_id,
        "lymphocyte_donor_id": line.donor_id,
    }


@lru_cache(maxsize=8192)
def _iso(day: date) -> str:
    """A date as JSON has it."""
    return day.isoformat()
