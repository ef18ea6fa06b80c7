"""From where to where: times or offsets, as a person writes them."""

import re
from collections.abc import Mapping

from msgspec import Struct

from stream_app.domain.instant import Instant, parse_date, parse_instant

_OFFSETS = re.compile(r"[0-9]{1,3}:[0-9]{1,18}(?:,[0-9]{1,3}:[0-9]{1,18})*")
_OFFSET = re.compile(r"[0-9]{1,18}")


class Time(Struct, frozen=True):
    """A record's timestamp, in milliseconds since the epoch."""

    milliseconds: int


class Offset(Struct, frozen=True):
    """One offset in every partition."""

    offset: int


class Offsets(Struct, frozen=True):
    """An offset in each partition; what is not named is not bounded."""

    by_partition: Mapping[int, int]


Bound = Time | Offset | Offsets


def parse_bound(text: str) -> Bound | None:
    """A time or date (UTC), an offset, or partition:offset with commas; None: none of these."""
    if _OFFSETS.fullmatch(text):
        pairs = [pair.split(":") for pair in text.split(",")]
        return Offsets({int(partition): int(offset) for partition, offset in pairs})
    if _OFFSET.fullmatch(text):
        return Offset(int(text))
    milliseconds = parse_time(text)
    return None if milliseconds is None else Time(milliseconds)


def parse_time(text: str) -> int | None:
    """Milliseconds since the epoch of an RFC 3339 time, or of a day's beginning in UTC."""
    instant = parse_instant(text if parse_date(text) is None else f"{text}T00:00:00Z")
    return None if instant is None else to_milliseconds(instant)


def to_milliseconds(instant: Instant) -> int:
    """Milliseconds since the epoch; what is finer is dropped."""
    return (instant.minute * 60 + instant.second) * 1000 + int(instant.fraction.ljust(3, "0")[:3])


class Bounds(Struct, frozen=True):
    """From `start` on, up to but without `end`."""

    start: Bound | None = None
    end: Bound | None = None

    @property
    def are_empty(self) -> bool:
        """Whether nothing can lie within, whatever the topic holds."""
        match self.start, self.end:
            case (Time(first), Time(end)) | (Offset(first), Offset(end)):
                return first >= end
            case Offsets(firsts), Offsets(ends):
                both = firsts.keys() & ends.keys()
                return bool(both) and all(firsts[each] >= ends[each] for each in both)
        return False

    def hold(self, partition: int, offset: int, timestamp: int) -> bool:
        """Whether a record lies within."""
        if self.start is None and self.end is None:
            return True
        return (
            self.start is None or _reached(self.start, partition, offset, timestamp) is not False
        ) and not (self.end is not None and _reached(self.end, partition, offset, timestamp))


def _reached(bound: Bound, partition: int, offset: int, timestamp: int) -> bool | None:
    """Whether a record lies at a bound or behind it; None: it says nothing of that partition."""
    match bound:
        case Time(milliseconds):
            return timestamp >= milliseconds
        case Offset(first):
            return offset >= first
        case Offsets(by_partition):
            named = by_partition.get(partition)
            return None if named is None else offset >= named
