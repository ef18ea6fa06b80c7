"""An adjudication event, decoded (contract: schemas/claims.adjudication.v1.schema.json)."""

from datetime import date
from enum import StrEnum

from msgspec import Struct

from stream_app.domain.codes import Icd10Code
from stream_app.domain.instant import Instant


class ClaimFrequency(StrEnum):
    """X12 CLM05-3, the values the platform sends."""

    ORIGINAL = "1"
    REPLACEMENT = "7"
    VOID = "8"


class SpecifiedAs(StrEnum):
    """What the biller says an unlisted or ambiguous service is."""

    GENETIC_MODIFICATION = "donor_lymphocyte_genetic_modification"
    COLLECTION = "donor_lymphocyte_collection"
    CRYOPRESERVATION = "donor_lymphocyte_cryopreservation"


class ServiceLine(Struct, frozen=True, gc=False):
    """One in-scope service line. Absent, null and blank optional fields are all None."""

    line_number: int
    procedure_code: str
    service_date: date
    diagnoses: tuple[Icd10Code, ...]
    """Those the line points to, or all of the claim's, in that order, normalised."""
    service_date_end: date | None = None
    procedure_description: str | None = None
    specified_as: SpecifiedAs | None = None
    donor_id: str | None = None
    """Lymphocyte donor, as given."""


class Claim(Struct, frozen=True, gc=False):
    """One version of a claim, reduced to what the rules and the record need."""

    event_id: str
    occurred_at: Instant
    claim_id: str
    member_id: str
    lines: tuple[ServiceLine, ...]
    """In-scope lines only, by line_number. Empty only when `replaced_procedure_codes` is given."""
    claim_version: int = 1
    frequency: ClaimFrequency = ClaimFrequency.ORIGINAL
    line_of_business: str | None = None
    plan_id: str | None = None
    state: str | None = None
