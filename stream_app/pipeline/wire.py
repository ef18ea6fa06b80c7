"""The shape of inbound events: names, types, lengths and ranges as their JSON Schemas have them.

What a type cannot say (formats, blanks that mean absent, choices, contradictions) is checked in
`decode.py`. Fields that no rule uses are not named here, hence skipped unread.
"""

import re
from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

Id64 = Annotated[str, Meta(min_length=1, max_length=64)]
Id128 = Annotated[str, Meta(min_length=1, max_length=128)]
ProcedureCode = Annotated[str, Meta(min_length=1, max_length=48)]

MAX_INTEGER = 2**53 - 1
"""Above it a number means different things to different readers of JSON (RFC 7493)."""
Positive = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]


class Line(Struct, gc=False):
    """One service line."""

    line_number: Positive
    procedure_code: ProcedureCode
    service_date: date
    service_date_end: str | None = None
    diagnosis_pointers: list[Positive] | None = None
    procedure_description: str | None = None
    specified_as: str | None = None
    donor_id: str | None = None


class ClaimEvent(Struct, gc=False):
    """An adjudication event (schemas/claims.adjudication.v1.schema.json)."""

    event_id: Id128
    occurred_at: str
    claim_id: Id64
    member_id: Id64
    diagnoses: Annotated[list[str], Meta(min_length=1, max_length=25)]
    service_lines: Annotated[list[Line], Meta(min_length=1, max_length=999)]
    claim_version: Positive | None = None
    claim_frequency_code: str | None = None
    line_of_business: str | None = None
    plan_id: str | None = None
    state: str | None = None
    replaced_procedure_codes: list[str] | None = None


read_claim = msgspec.json.Decoder(ClaimEvent).decode
"""From a JSON text, in one pass. What is skipped is not looked into."""


class TransplantRecord(Struct, gc=False):
    """What an upsert says of a transplant."""

    type: str | None = None
    status: str | None = None
    transplant_date: str | None = None
    indication: str | None = None
    medically_necessary: bool | None = None
    donor_id: str | None = None
    conditioning: Any = None


class HistoryRecord(Struct, gc=False):
    """A history event (schemas/member.transplant-history.v1.schema.json) but for its transplant.

    A retraction may leave that out or spoil it.
    """

    event_id: Id128
    occurred_at: str
    member_id: Id64
    transplant_id: Id128
    operation: str | None = None


class Violation(Exception):
    """A field that breaks the contract.

    Args:
        path: where, made of the contract's own names and of indexes, never of what was sent.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


_S = TypeVar("_S", bound=Struct)
_MISSING = re.compile(r"Object missing required field `([a-z_]+)`")
_AT = re.compile(r" - at `\$((?:\.[a-z_]+|\[[0-9]+\])+)`\Z")


def fit(event: Any, shape: type[_S]) -> _S:
    """A parsed JSON object in the given shape.

    Raises:
        Violation: where it does not fit.
    """
    try:
        return msgspec.convert(event, shape)
    except msgspec.ValidationError as error:
        # Of the message only the path is used: the rest is not ours to promise.
        message = str(error)
    at = _AT.search(message)
    path = at[1] if at else ""
    missing = _MISSING.match(message)
    if missing:
        path = f"{path}.{missing[1]}"
    raise Violation(path)


def fit_claim(event: dict[str, Any]) -> ClaimEvent:
    """A parsed adjudication event in its shape; to JSON Schema 1.0 is the integer 1.

    Raises:
        Violation: where it does not fit.
    """
    lines = event.get("service_lines")
    if isinstance(lines, list):
        lines = [_with_whole(line, "line_number", "diagnosis_pointers") for line in lines]
    return fit({**_with_whole(event, "claim_version"), "service_lines": lines}, ClaimEvent)


def _with_whole(value: Any, *names: str) -> Any:
    if not isinstance(value, dict):
        return value
    return {**value, **{name: _whole(value[name]) for name in names if name in value}}


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(element) for element in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
