"""Whose claim an event is, if it is in scope: what the first hop has to know, and no more."""

import msgspec

from stream_app.domain.claim import ClaimFrequency
from stream_app.domain.instant import parse_instant
from stream_app.pipeline.decode import decode_claim
from stream_app.pipeline.fields import diagnosis
from stream_app.pipeline.json_text import unframe
from stream_app.pipeline.scope import PROCEDURE_CODES
from stream_app.pipeline.wire import ClaimEvent, read_claim

_FREQUENCIES = frozenset((None, *(member.value for member in ClaimFrequency)))


def member_in_scope(value: bytes) -> str | None:
    """The member of an in-scope claim, or None where the event is out of scope.

    Judges as `decode_claim` does. The second hop decodes the claim anyhow; here it is built only
    where an event is not plain to see through.

    Args:
        value: a JSON text, with or without Confluent framing.

    Raises:
        MalformedEvent: as `decode_claim` does.
    """
    text = unframe(value)
    if text.isascii():
        try:
            event = read_claim(text)
        except (msgspec.DecodeError, RecursionError):
            pass
        else:
            in_scope = _is_in_scope(event)
            if in_scope is not None:
                return event.member_id if in_scope else None
    claim = decode_claim(value)
    return None if claim is None else claim.member_id


def _is_in_scope(event: ClaimEvent) -> bool | None:
    """Whether an event that is surely valid is in scope; None: it has to be looked at closely."""
    diagnoses = event.diagnoses
    if (
        event.claim_frequency_code not in _FREQUENCIES
        or parse_instant(event.occurred_at) is None
        or None in map(diagnosis, diagnoses)
    ):
        return None
    in_scope = bool(event.replaced_procedure_codes)
    for number, line in enumerate(event.service_lines, start=1):
        code, pointers = line.procedure_code, line.diagnosis_pointers
        if (
            line.line_number != number
            or line.service_date_end is not None
            or line.specified_as is not None
            or code != code.strip()
            or (pointers and max(pointers) > len(diagnoses))
        ):
            return None
        if code in PROCEDURE_CODES:
            in_scope = True
    return in_scope
