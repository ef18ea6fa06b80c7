"""Which adjudication events concern the guideline at all: first as bytes, then as JSON.

Two questions of the same kind stand here, one behind the other:

* `may_be_in_scope` looks at the raw bytes of *every* claim and parses nothing. It is the plain
  form that any fast scan must equal.
* `is_in_scope` looks at a parsed event, before anything else about it is checked.

The first must let through whatever the second accepts, namely each event with

* a line whose code reads, as trimmed text, 38242 or 86999 (sent as a JSON number, too),
* a line with a `specified_as` of the contract, or
* `replaced_procedure_codes` that name one of those two codes.

By design it is narrower than `is_in_scope` in two places, where nothing in the bytes points at
the guideline: a `specified_as` that is not of the contract and does not hold
``donor_lymphocyte``, on a line with another code; and `replaced_procedure_codes` that name
other codes only. Such an event is skipped by the worker (its sample of skipped records sees
it) and read by `adjudicate`, which looks at every line.
"""

import re
from collections.abc import Mapping
from typing import Any

PROCEDURE_CODES = frozenset({"38242", "86999"})
"""CPT codes of the services that the guideline speaks of."""

_CODE = re.compile(rb"(?:38242|86999)(?![0-9A-Za-z])")
_ESCAPED_BLANK = re.compile(rb"\\(?:[tnrf]|u[0-9A-Fa-f]{4})\Z")
_LONGEST_ESCAPE = 6


def may_be_in_scope(value: bytes) -> bool:
    r"""Whether a claim's raw bytes can hold anything that the guideline decides.

    That is: one of the codes as a token, with no ASCII letter or digit right before or after it;
    or ``donor_lymphocyte``; or an escape ``\u00``, behind which any ASCII character may hide.
    An escaped blank before a code (a tab, U+3000) is a blank, whatever letters and digits spell
    it. Behind a code its backslash shows that no letter follows.

    Args:
        value: the record's value as it came, Confluent framing included.
    """
    if b"donor_lymphocyte" in value or rb"\u00" in value:
        return True
    return any(_stands_alone(value, code.start()) for code in _CODE.finditer(value))


def _stands_alone(value: bytes, start: int) -> bool:
    before = value[max(0, start - _LONGEST_ESCAPE) : start]
    # `isalnum` of bytes knows ASCII only.
    return not before[-1:].isalnum() or _ESCAPED_BLANK.search(before) is not None


def is_in_scope(event: Mapping[str, Any]) -> bool:
    """Whether a parsed adjudication event is one to validate and decide.

    Judged loosely, since the event may yet prove malformed and must then not be overlooked: a
    lone line in place of the list counts, and so does a code sent as a number.
    """
    if _is_given(event.get("replaced_procedure_codes")):
        return True
    lines = event.get("service_lines")
    if type(lines) is dict:
        lines = (lines,)
    elif type(lines) is not list:
        return False
    for line in lines:
        if type(line) is dict and (
            _as_text(line.get("procedure_code")) in PROCEDURE_CODES
            or _is_given(line.get("specified_as"))
        ):
            return True
    return False


def _as_text(code: object) -> str | None:
    if type(code) is str:
        return code.strip()
    # A JSON number spelt with a point or an exponent never reads as one of the codes.
    return str(code) if type(code) is int else None


def _is_given(value: object) -> bool:
    """Not absent, null, blank or empty."""
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and value not in ([], {})
