"""Numbers as people read them, in a few columns."""

import math

_UNKNOWN = "-"


def number(value: float) -> str:
    """12,345 or 1.23 or 0."""
    if math.isnan(value):
        return _UNKNOWN
    if value and abs(value) < 10 and not value.is_integer():
        return f"{value:.2f}"
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """99.98 %, never rounded up to all of it or down to nothing."""
    if math.isnan(share):
        return _UNKNOWN
    if 0.9999 < share < 1:
        return "> 99.99 %"
    return "< 0.01 %" if 0 < share < 0.0001 else f"{100 * share:.2f} %"


def seconds(value: float) -> str:
    """1.2 ms, 3.4 s, 5 min, 6 h, 7 d."""
    if math.isnan(value):
        return _UNKNOWN
    if value == 0:
        return "0 s"
    for limit, unit, size in (
        (1.0, "ms", 0.001),
        (120.0, "s", 1.0),
        (7200.0, "min", 60.0),
        (172_800.0, "h", 3600.0),
        (math.inf, "d", 86_400.0),
    ):
        if value < limit:
            count = value / size
            return f"{count:.1f} {unit}" if count < 10 else f"{count:.0f} {unit}"
    return _UNKNOWN


def size(count: float) -> str:
    """Bytes, in powers of 1000."""
    if math.isnan(count):
        return _UNKNOWN
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
