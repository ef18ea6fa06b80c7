"""What was known of a member's transplants at a time, from the records of the history topic.

One key an event, so compaction leaves every event there: what was known at any time is made of
those that had come in by then. Their timestamps are those of the platform's records. What has
been erased was, for all that can be told now, never known.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from stream_app.domain.history import HistoryEvent, Transplant
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decode import decode_history
from stream_app.pipeline.enrich import MemberHistory


class Address(NamedTuple):
    """Whose history a record is of; without an event it erases the member."""

    member_id: str
    transplant_id: str | None = None
    event_id: str | None = None


class Heard(Struct, frozen=True, array_like=True):
    """A history event, and when it came in."""

    timestamp: int
    """Of its record, in milliseconds since the epoch."""
    event: HistoryEvent


_address_decoder = msgspec.json.Decoder(tuple[str, ...])


def address_of(key: bytes | None) -> Address | None:
    """What a key of the history topic names; None where it is none of ours."""
    try:
        parts = _address_decoder.decode(key or b"")
    except msgspec.MsgspecError:
        return None
    return Address(*parts) if len(parts) in (1, 3) else None


def heard(timestamp: int, value: bytes) -> Heard | None:
    """The event in a record; None where it is malformed, which to the worker is a dead letter."""
    try:
        return Heard(timestamp, decode_history(value))
    except MalformedEvent:
        return None


class Hearsay:
    """Everything that came in of one member, in the order of the topic's offsets."""

    def __init__(self, events: Iterable[Heard] = ()) -> None:
        self._events: dict[tuple[str, str], Heard] = {}
        for each in events:
            self._events[each.event.transplant_id, each.event.event_id] = each

    def take(self, key: Address, timestamp: int, value: bytes | None) -> None:
        """Take in one record of the member's: an event, or the deletion of one or of all."""
        if key.transplant_id is None or key.event_id is None:
            self._events.clear()
            return
        if value is None:
            self._events.pop((key.transplant_id, key.event_id), None)
        elif (found := heard(timestamp, value)) is not None:
            # The first of two records of one event counts, as it does with the member's owner.
            self._events.setdefault((key.transplant_id, key.event_id), found)

    def events(self) -> tuple[Heard, ...]:
        """What is left, in the order in which it came in."""
        return tuple(sorted(self._events.values(), key=lambda each: each.timestamp))

    def on_file(self, as_of: int | None = None) -> tuple[Transplant, ...]:
        """The transplants on file.

        Args:
            as_of: milliseconds since the epoch: only what had come in by then. None: all.
        """
        return on_file(self._events.values(), as_of)


def on_file(events: Iterable[Heard], as_of: int | None = None) -> tuple[Transplant, ...]:
    """The transplants that these events leave on file, by id.

    Args:
        events: all of one member, in any order.
        as_of: milliseconds since the epoch: only what had come in by then counts. None: all.
    """
    known = [each.event for each in events if as_of is None or each.timestamp <= as_of]
    if len(known) < 2:
        # Most members have one transplant, told of once.
        return tuple([each.transplant for each in known if each.transplant is not None])
    history = MemberHistory()
    for event in known:
        history.apply(event)
    return history.on_file()
