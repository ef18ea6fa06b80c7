"""Transplant history events and records.

Contract: schemas/member.transplant-history.v1.schema.json
"""

from datetime import date
from enum import StrEnum

from msgspec import Struct

from stream_app.domain.instant import Instant


class TransplantType(StrEnum):
    """Whose cells were given."""

    ALLOGENEIC = "allogeneic"
    AUTOLOGOUS = "autologous"
    SYNGENEIC = "syngeneic"
    UNKNOWN = "unknown"


class TransplantStatus(StrEnum):
    """How far it came; absent counts as performed."""

    PERFORMED = "performed"
    PLANNED = "planned"
    CANCELLED = "cancelled"


class HistoryOperation(StrEnum):
    """What an event does to the record of a transplant."""

    UPSERT = "upsert"
    RETRACT = "retract"


class Transplant(Struct, frozen=True, gc=False):
    """One hematopoietic progenitor cell transplant on file, as a rule sees it.

    Absent, null and blank are all None. `type` None and UNKNOWN mean the same to the rules.
    """

    transplant_id: str
    type: TransplantType | None = None
    status: TransplantStatus | None = None
    conditioning: str | None = None
    """Any text as given, since no rule reads it; whatever else was sent is taken as absent."""
    transplant_date: date | None = None
    indication: str | None = None
    """As given: anything may stand here."""
    medically_necessary: bool | None = None
    donor_id: str | None = None


class HistoryEvent(Struct, frozen=True, gc=False):
    """What one event says of one transplant: a whole record, or (None) its retraction."""

    event_id: str
    occurred_at: Instant
    member_id: str
    transplant_id: str
    transplant: Transplant | None
