"""Events that must end as dead letters, one row a way of breaking them.

Each starts from a sound event and breaks it in one way, so that the expected reason is known.
"""

from collections.abc import Callable
from typing import Any

import orjson
from msgspec import Struct

from stream_app.errors import DeadLetterReason as Reason
from stream_app.synthetic.event import Malformed, Stream

Json = dict[str, Any]
Spoil = Callable[[Json], bytes]
"""Takes a sound event as an object that it may change; gives the bytes to send."""


class Poison(Struct, frozen=True):
    """A way to break an event."""

    name: str
    stream: Stream
    expected: Malformed
    spoil: Spoil


def _set(**fields: Any) -> Spoil:
    return lambda event: orjson.dumps(event | fields)


def _without(name: str) -> Spoil:
    return lambda event: orjson.dumps({key: value for key, value in event.items() if key != name})


def _on_line(**fields: Any) -> Spoil:
    def spoil(event: Json) -> bytes:
        event["service_lines"][-1].update(fields)
        return orjson.dumps(event)

    return spoil


def _on_transplant(**fields: Any) -> Spoil:
    return lambda event: orjson.dumps(event | {"transplant": event["transplant"] | fields})


def _repeated_line_number(event: Json) -> bytes:
    event["service_lines"].append(event["service_lines"][-1])
    return orjson.dumps(event)


def _latin_1(event: Json) -> bytes:
    return orjson.dumps(event).replace(b"Synthetic", b"Synth\xe9tic")


def _not_a_number(event: Json) -> bytes:
    return orjson.dumps(event).replace(b'"units":1', b'"units":NaN')


def _cut(event: Json) -> bytes:
    return orjson.dumps(event)[:-2]


def _claim(name: str, reason: Reason, spoil: Spoil, *, scan_sees: bool = True) -> Poison:
    return Poison(name, Stream.CLAIMS, Malformed(reason, scan_sees), spoil)


def _history(name: str, reason: Reason, spoil: Spoil) -> Poison:
    return Poison(name, Stream.HISTORY, Malformed(reason, scan_sees=True), spoil)


_JSON, _OBJECT, _SCHEMA, _SENSE = (
    Reason.NOT_JSON,
    Reason.NOT_AN_OBJECT,
    Reason.SCHEMA_VIOLATION,
    Reason.INCONSISTENT,
)

POISONS: tuple[Poison, ...] = (
    _claim("cut short", _JSON, _cut),
    _claim("invalid UTF-8", _JSON, _latin_1),
    _claim("NaN", _JSON, _not_a_number),
    _claim("a list", _OBJECT, lambda event: orjson.dumps([event])),
    _claim("a string", _OBJECT, lambda _: b'"38242"'),
    _claim("no member", _SCHEMA, _without("member_id")),
    _claim("no diagnoses", _SCHEMA, _set(diagnoses=[])),
    _claim("a diagnosis that is none", _SCHEMA, _set(diagnoses=["leukemia"])),
    _claim("time without an offset", _SCHEMA, _set(occurred_at="2024-11-05T10:00:00")),
    _claim("version as text", _SCHEMA, _set(claim_version="1")),
    _claim("version true", _SCHEMA, _set(claim_version=True)),
    _claim("unknown frequency", _SCHEMA, _set(claim_frequency_code="5")),
    _claim("code as a number", _SCHEMA, _on_line(procedure_code=38242)),
    _claim("code with blanks", _SCHEMA, _on_line(procedure_code=" 38242 ")),
    _claim("no such day", _SCHEMA, _on_line(service_date="2024-02-30")),
    _claim("American date", _SCHEMA, _on_line(service_date="11/05/2024")),
    _claim("unknown specification", _SCHEMA, _on_line(specified_as="donor_lymphocyte_wash")),
    _claim("pointer to no diagnosis", _SENSE, _on_line(diagnosis_pointers=[25])),
    _claim("line number twice", _SENSE, _repeated_line_number),
    _claim("end before start", _SENSE, _on_line(service_date_end="2001-01-01")),
    _claim("half a record", _JSON, lambda event: orjson.dumps(event)[:60], scan_sees=False),
    _history("cut short", _JSON, _cut),
    _history("a number", _OBJECT, lambda _: b"17"),
    _history("no transplant id", _SCHEMA, _without("transplant_id")),
    _history("no transplant", _SCHEMA, _without("transplant")),
    _history("unknown type", _SCHEMA, _on_transplant(type="haplo")),
    _history("necessity as text", _SCHEMA, _on_transplant(medically_necessary="yes")),
    _history("no such day", _SCHEMA, _on_transplant(transplant_date="2023-13-01")),
)
