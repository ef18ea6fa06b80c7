"""Points in time, ordered exactly: two events a nanosecond apart must not tie."""

from msgspec import Struct


class Instant(Struct, frozen=True, order=True, array_like=True):
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
