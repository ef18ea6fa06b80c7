"""Points in time, ordered exactly: two events a nanosecond apart must not tie."""

import re
from datetime import date
from functools import lru_cache

from msgspec import Struct

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]"
    r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_MINUTES_A_DAY = 24 * 60
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_WHOLE_SECONDS = len("2025-04-01T10:05:07Z")
_SECONDS = {f"{second:02}": second for second in range(60)}


class Instant(Struct, frozen=True, order=True, array_like=True, gc=False):
    """An RFC 3339 date-time as a UTC instant of unlimited precision.

    `datetime` stops at microseconds and knows no leap second, so that two events could tie
    that their producer ordered.
    """

    minute: int
    """Minutes since 1970-01-01T00:00Z."""
    second: int
    """0-60 within that minute; 60 is a leap second."""
    fraction: str = ""
    """Digits behind the point without trailing zeros: compared as text they order as numbers."""


@lru_cache(maxsize=16_384)
def parse_date(text: str) -> date | None:
    """An RFC 3339 full-date of the years 1-9999, or None."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_instant(text: str) -> Instant | None:
    """An RFC 3339 date-time with an offset, or None. A leap second ends a UTC day."""
    # What nearly every producer writes, 2025-04-01T10:05:07Z, with or without .123 before the Z: a
    # stream stays within few minutes.
    if text[-1:] == "Z":
        second = _SECONDS.get(text[17:19])
        minute = _minute(text[:17])
        if second is not None and minute is not None:
            if len(text) == _WHOLE_SECONDS:
                return Instant(minute, second)
            digits = text[20:-1]
            if text[19] == "." and digits.isdigit() and digits.isascii():
                return Instant(minute, second, digits.rstrip("0"))
    return _parse_any_instant(text)


@lru_cache(maxsize=16_384)
def _minute(text: str) -> int | None:
    """Minutes since the epoch of 2025-04-01T10:05:, UTC; None if it is no such text."""
    instant = _parse_any_instant(f"{text}00Z")
    return None if instant is None else instant.minute


def _parse_any_instant(text: str) -> Instant | None:
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    day_text, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    day = parse_date(day_text)
    if day is None:
        return None
    minutes = (day.toordinal() - _EPOCH_DAY) * _MINUTES_A_DAY + int(hour) * 60 + int(minute)
    if sign is not None:
        offset = int(offset_hour) * 60 + int(offset_minute)
        minutes += offset if sign == "-" else -offset
    if second == "60" and minutes % _MINUTES_A_DAY != _MINUTES_A_DAY - 1:
        return None
    return Instant(minutes, int(second), fraction.rstrip("0") if fraction else "")
