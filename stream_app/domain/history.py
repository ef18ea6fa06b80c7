"""Transplant history events and records (contract: schemas/member.transplant-history.v1.schema.json)."""

from datetime import date
from enum import StrEnum
from typing import Any

from msgspec import Struct

from stream_app.domain.instant import Instant


class TransplantType(StrEnum):
    ALLOGENEIC = "allogeneic"
    AUTOLOGOUS = "autologous"
    SYNGENEIC = "syngeneic"
    UNKNOWN = "unknown"


class TransplantStatus(StrEnum):
    PERFORMED = "performed"
    PLANNED = "planned"
    CANCELLED = "cancelled"


class Transplant(Struct, frozen=True):
    """One hematopoietic progenitor cell transplant on file, as a rule sees it.

    Absent, null and blank are all None. `type` None and UNKNOWN mean the same to the rules.
    """

    transplant_id: str
    type: TransplantType | None = None
    status: TransplantStatus | None = None
    conditioning: Any = None
    """As given and not validated: no rule reads it; it is part of the record a decision rests on."""
    transplant_date: date | None = None
    indication: str | None = None
    """As given: anything may stand here."""
    medically_necessary: bool | None = None
    donor_id: str | None = None


class HistoryEvent(Struct, frozen=True):
    """What one event says of one transplant: a whole record, or (None) its retraction."""

    event_id: str
    occurred_at: Instant
    member_id: str
    transplant_id: str
    transplant: Transplant | None
