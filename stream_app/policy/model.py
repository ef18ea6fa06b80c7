"""The guideline as data: what one published version says, and which version is in force when."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

import msgspec
from msgspec import Struct

from stream_app.domain.codes import Icd10Code
from stream_app.domain.decision import Adjustment, ClaimStatus, Outcome, Reason
from stream_app.domain.vocabulary import CriterionName, ReasonCode
from stream_app.policy.icd10cm import Icd10Table


class ServiceName(StrEnum):
    """The services that the guideline speaks of."""

    INFUSION = "donor_lymphocyte_infusion"
    COLLECTION = "donor_lymphocyte_collection_or_cryopreservation"
    GENETIC_MODIFICATION = "donor_lymphocyte_genetic_modification"


KNOWN_REQUIREMENTS: Mapping[ServiceName, tuple[CriterionName, ...]] = {
    ServiceName.INFUSION: (
        CriterionName.DIAGNOSIS_LISTED,
        CriterionName.TRANSPLANT_PERFORMED_BEFORE_INFUSION,
        CriterionName.TRANSPLANT_ALLOGENEIC,
        CriterionName.TRANSPLANT_FOR_HEMATOLOGIC_MALIGNANCY,
        CriterionName.TRANSPLANT_MEDICALLY_NECESSARY,
        CriterionName.SAME_DONOR,
    ),
    ServiceName.COLLECTION: (
        CriterionName.TRANSPLANT_NOT_CANCELLED,
        CriterionName.TRANSPLANT_ALLOGENEIC,
        CriterionName.TRANSPLANT_MEDICALLY_NECESSARY,
        CriterionName.NO_DONOR_MISMATCH,
    ),
    ServiceName.GENETIC_MODIFICATION: (),
}
"""What the rules can look at for each service; a version asks for some or all of it."""


class Requirement(Struct, frozen=True):
    """One thing that must be true for a service to be medically necessary."""

    criterion: CriterionName
    section: str


class Service(Struct, frozen=True):
    """When a service is medically necessary: all of `necessary_when`; never, if that is empty."""

    name: ServiceName
    procedure_code: str | None
    """CPT code; None where the guideline lists none."""
    section: str
    necessary_when: tuple[Requirement, ...]


class DiagnosisRange(Struct, frozen=True):
    """One row of the coding section, ends included, read in tabular order."""

    first: Icd10Code
    last: Icd10Code
    title: str
    category: str | None
    """The three-character category that the row's own title describes as a whole, if one."""
    section: str


class CodeStem(Struct, frozen=True):
    """All codes that begin like one of `first` to `last`.

    Both are one and the same stem, or both are categories.
    """

    first: str
    last: str
    section: str

    def covers(self, code: Icd10Code) -> bool:
        """Whether a code, billable or not, begins so."""
        return self.first <= code[: len(self.first)] <= self.last


class Phrases(Struct, frozen=True):
    """Wordings that give a description one meaning; syntax: see phrases.py."""

    phrases: tuple[str, ...]
    section: str


class DescriptionPhrases(Struct, frozen=True):
    """What descriptions are searched for."""

    genetic_modification: Phrases
    lymphocytes: Phrases
    negation: Phrases
    modification_hint: Phrases
    """Words of modifying that do not say it is genetic."""
    gene_transfer: Phrases
    """Words for cells that only genetic modification yields."""


class GuidelineVersion(Struct, frozen=True):
    """One published version."""

    version: str
    effective_from: date
    effective_through: date | None
    """Last date of service; None: until further notice."""
    sections: tuple[str, ...]
    """Headings as published that the citations point to."""
    services: Mapping[ServiceName, Service]
    diagnosis_ranges: tuple[DiagnosisRange, ...]
    hematologic_malignancies: tuple[CodeStem, ...]
    undetermined_malignancies: tuple[CodeStem, ...]
    """Codes of which some uses are hematologic malignancies and some are not."""
    description_phrases: DescriptionPhrases
    hash: str
    """SHA-256 of what the file says, whatever its comments, order of keys and layout."""


class ReasonRow(Struct, frozen=True):
    """Everything that follows from a reason code."""

    reason: Reason
    outcome: Outcome
    adjustment: Adjustment | None
    claim_status: ClaimStatus | None


class Policies(Struct, frozen=True):
    """All that is held of the guideline."""

    versions: tuple[GuidelineVersion, ...]
    """By date, neither overlapping nor with gaps."""
    reasons: Mapping[ReasonCode, ReasonRow]
    reasons_hash: str
    icd10cm: Icd10Table

    def in_force(self, on: date) -> GuidelineVersion | None:
        """The version for a date of service, if one is in force."""
        index = bisect_right(self.versions, on, key=lambda version: version.effective_from)
        if index == 0:
            return None
        version = self.versions[index - 1]
        through = version.effective_through
        return version if through is None or on <= through else None

    def pinned(self, version: str) -> "Policies":
        """Only that version, in force on every day: for asking what it would have said.

        Raises:
            KeyError: it is not held.
        """
        held = {each.version: each for each in self.versions}
        only = msgspec.structs.replace(
            held[version], effective_from=date.min, effective_through=None
        )
        return msgspec.structs.replace(self, versions=(only,))
