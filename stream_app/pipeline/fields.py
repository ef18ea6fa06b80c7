"""What a type cannot say of a field: blanks that mean absent, choices, formats.

Optional text that is null or blank is absent; nothing is coerced.
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from stream_app.domain.codes import Icd10Code
from stream_app.domain.instant import Instant, parse_date, parse_instant
from stream_app.pipeline.wire import Violation

_E = TypeVar("_E", bound=StrEnum)

# A dot, if any, stands behind the third character. Checked before `upper`, which turns some
# letters beyond ASCII into letters within it.
_DIAGNOSIS = re.compile(r"([A-Za-z][0-9][0-9A-Za-z])\.?([0-9A-Za-z]{0,4})")


def given(value: str | None) -> str | None:
    """Text as it was sent; null and blank are None."""
    return value if value and not value.isspace() else None


def choice(value: str | None, choices: Mapping[str, _E], path: str) -> _E | None:
    """One of `choices`, spelt exactly so; null and blank are None."""
    if not value:
        return None
    found = choices.get(value)
    if found is None and not value.isspace():
        raise Violation(path)
    return found


def optional_date(value: str | None, path: str) -> date | None:
    """A full-date; null and blank are None."""
    if not value or value.isspace():
        return None
    day = parse_date(value)
    if day is None:
        raise Violation(path)
    return day


def instant(value: str, path: str) -> Instant:
    """A date-time with an offset."""
    point = parse_instant(value)
    if point is None:
        raise Violation(path)
    return point


@lru_cache(maxsize=16_384)
def diagnosis(value: str) -> Icd10Code | None:
    """A diagnosis code normalised, or None where the text is none."""
    match = _DIAGNOSIS.fullmatch(value.strip())
    return Icd10Code((match[1] + match[2]).upper()) if match else None
