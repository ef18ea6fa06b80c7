"""From a record's bytes to the claim or the history event it holds, or to why it is malformed.

As strict as schemas/*.v1.schema.json, neither more nor less; tests hold the two together.
"""

from typing import Any

import msgspec

from stream_app.domain.claim import Claim, ClaimFrequency, ServiceLine, SpecifiedAs
from stream_app.domain.codes import Icd10Code
from stream_app.domain.history import (
    HistoryEvent,
    HistoryOperation,
    Transplant,
    TransplantStatus,
    TransplantType,
)
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.fields import choice, diagnosis, given, instant, optional_date
from stream_app.pipeline.json_text import parse_object, unframe
from stream_app.pipeline.scope import PROCEDURE_CODES, is_in_scope
from stream_app.pipeline.wire import (
    ClaimEvent,
    HistoryRecord,
    Line,
    TransplantRecord,
    Violation,
    fit,
    fit_claim,
    read_claim,
)

_FREQUENCIES = {member.value: member for member in ClaimFrequency}
_ORIGINAL = ClaimFrequency.ORIGINAL
_SPECIFIED_AS = {member.value: member for member in SpecifiedAs}
_OPERATIONS = {member.value: member for member in HistoryOperation}
_TYPES = {member.value: member for member in TransplantType}
_STATUSES = {member.value: member for member in TransplantStatus}


def decode_claim(value: bytes) -> Claim | None:
    """The claim in an adjudication event, reduced to its in-scope lines.

    Args:
        value: a JSON text, with or without Confluent framing.

    Returns:
        The claim, or None where the event is out of scope (and then not validated).

    Raises:
        MalformedEvent: not JSON, not an object, against the schema, or contradictory.
    """
    text = unframe(value)
    try:
        # One pass straight into the shape. It does not look inside of what it skips, so bytes
        # that are no UTF-8 have to be found beforehand. (That it passes over 1e999 in a field
        # nobody reads is right: it is JSON.)
        if not text.isascii():
            text.decode()
        event = read_claim(text)
        claim, contradiction = _claim(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Violation):
        pass
    else:
        return _consistent(claim, contradiction, event.replaced_procedure_codes)
    return _decode_claim_stepwise(text)


def _decode_claim_stepwise(text: bytes) -> Claim | None:
    """The same for an event that does not fit at once.

    It may be out of scope, spell a whole number as 1.0, give a name twice, or be malformed, and
    then the reason has to be found.
    """
    parsed = parse_object(text)
    if not is_in_scope(parsed):
        return None
    claim, contradiction, replaced = _fitted(parsed)
    return _consistent(claim, contradiction, replaced)


def check_claim(value: bytes) -> bool:
    """Whether a claim that the scan has skipped is in scope after all; if not, it is validated.

    Raises:
        MalformedEvent: no JSON, or out of scope and not what the contract says it is.
    """
    parsed = parse_object(unframe(value))
    if is_in_scope(parsed):
        return True
    _, contradiction, _ = _fitted(parsed)
    if contradiction is not None:
        raise MalformedEvent(DeadLetterReason.INCONSISTENT, f"${contradiction}")
    return False


def _fitted(parsed: dict[str, Any]) -> tuple[Claim, str | None, list[str] | None]:
    try:
        event = fit_claim(parsed)
        claim, contradiction = _claim(event)
    except Violation as violation:
        path = violation.path
    else:
        return claim, contradiction, event.replaced_procedure_codes
    raise MalformedEvent(DeadLetterReason.SCHEMA_VIOLATION, f"${path}")


def _consistent(
    claim: Claim, contradiction: str | None, replaced: list[str] | None
) -> Claim | None:
    if not claim.lines and not replaced:
        return None
    if contradiction is not None:
        raise MalformedEvent(DeadLetterReason.INCONSISTENT, f"${contradiction}")
    return claim


def _claim(event: ClaimEvent) -> tuple[Claim, str | None]:
    """The claim, and where it contradicts itself: told apart because the schema goes first."""
    diagnoses = tuple([code for sent in event.diagnoses if (code := diagnosis(sent)) is not None])
    if len(diagnoses) < len(event.diagnoses):
        faulty = (index for index, sent in enumerate(event.diagnoses) if diagnosis(sent) is None)
        raise Violation(f".diagnoses[{next(faulty)}]")
    in_scope: list[ServiceLine] = []
    numbers: set[int] = set()
    contradiction: str | None = None
    for index, sent in enumerate(event.service_lines):
        try:
            line, fault = _line(sent, diagnoses)
        except Violation as violation:
            raise Violation(f".service_lines[{index}]{violation.path}") from None
        if sent.line_number in numbers:
            fault = fault or ".line_number"
        if fault is not None and contradiction is None:
            contradiction = f".service_lines[{index}]{fault}"
        numbers.add(sent.line_number)
        if line is not None:
            in_scope.append(line)
    if len(in_scope) > 1:
        in_scope.sort(key=_line_number)
    frequency = choice(event.claim_frequency_code, _FREQUENCIES, ".claim_frequency_code")
    claim = Claim(
        event_id=event.event_id,
        occurred_at=instant(event.occurred_at, ".occurred_at"),
        claim_id=event.claim_id,
        member_id=event.member_id,
        lines=tuple(in_scope),
        claim_version=event.claim_version or 1,
        frequency=frequency or _ORIGINAL,
        line_of_business=given(event.line_of_business),
        plan_id=given(event.plan_id),
        state=given(event.state),
    )
    return claim, contradiction


def _line(line: Line, diagnoses: tuple[Icd10Code, ...]) -> tuple[ServiceLine | None, str | None]:
    """The line if it is in scope, and where it contradicts itself or the claim."""
    code = line.procedure_code
    if code != code.strip():
        raise Violation(".procedure_code")
    fault = last_day = specified_as = None
    if line.service_date_end is not None:
        last_day = optional_date(line.service_date_end, ".service_date_end")
        if last_day is not None and last_day < line.service_date:
            fault = ".service_date_end"
    if line.diagnosis_pointers:
        try:
            diagnoses = tuple([diagnoses[pointer - 1] for pointer in line.diagnosis_pointers])
        except IndexError:
            fault = fault or _pointer_to_nothing(line.diagnosis_pointers, len(diagnoses))
    if line.specified_as is not None:
        specified_as = choice(line.specified_as, _SPECIFIED_AS, ".specified_as")
    if code not in PROCEDURE_CODES and specified_as is None:
        return None, fault
    in_scope = ServiceLine(
        line_number=line.line_number,
        procedure_code=code,
        service_date=line.service_date,
        diagnoses=diagnoses,
        service_date_end=last_day,
        procedure_description=given(line.procedure_description),
        specified_as=specified_as,
        donor_id=given(line.donor_id),
    )
    return in_scope, fault


def _pointer_to_nothing(pointers: list[int], diagnoses: int) -> str:
    index = next(index for index, pointer in enumerate(pointers) if pointer > diagnoses)
    return f".diagnosis_pointers[{index}]"


def _line_number(line: ServiceLine) -> int:
    return line.line_number


def decode_history(value: bytes) -> HistoryEvent:
    """The history event in a record's value.

    Args:
        value: a JSON text, with or without Confluent framing; tombstones are the caller's.

    Raises:
        MalformedEvent: not JSON, not an object, or against the schema.
    """
    event = parse_object(unframe(value))
    try:
        record = fit(event, HistoryRecord)
        return HistoryEvent(
            event_id=record.event_id,
            occurred_at=instant(record.occurred_at, ".occurred_at"),
            member_id=record.member_id,
            transplant_id=record.transplant_id,
            transplant=None
            if choice(record.operation, _OPERATIONS, ".operation") is HistoryOperation.RETRACT
            else _transplant(record.transplant_id, event.get("transplant")),
        )
    except Violation as violation:
        path = violation.path
    raise MalformedEvent(DeadLetterReason.SCHEMA_VIOLATION, f"${path}")


def _transplant(transplant_id: str, sent: object) -> Transplant:
    try:
        record = fit(sent, TransplantRecord)
        conditioning = record.conditioning
        return Transplant(
            transplant_id=transplant_id,
            type=choice(record.type, _TYPES, ".type"),
            status=choice(record.status, _STATUSES, ".status"),
            conditioning=given(conditioning) if isinstance(conditioning, str) else None,
            transplant_date=optional_date(record.transplant_date, ".transplant_date"),
            indication=given(record.indication),
            medically_necessary=record.medically_necessary,
            donor_id=given(record.donor_id),
        )
    except Violation as violation:
        raise Violation(f".transplant{violation.path}") from None
