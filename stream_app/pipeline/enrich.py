"""What is known of a member's transplants: one table row, built from events in any order."""

from enum import IntEnum

import msgspec
from msgspec import Struct

from stream_app.domain.claim import Claim
from stream_app.domain.history import HistoryEvent, Transplant
from stream_app.domain.instant import Instant


def standing_key(claim: Claim) -> tuple[int, Instant, str]:
    """Of all events of a claim_id the one with the greatest key stands."""
    return claim.claim_version, claim.occurred_at, claim.event_id


class Change(IntEnum):
    """What an event did to a row. Anything but NOTHING has to be stored."""

    NOTHING = 0
    """A redelivery."""
    REMEMBERED = 1
    """What is on file stayed the same: older than what is known of the transplant, a retraction
    of something unknown, an equal record."""
    ON_FILE = 2
    """Claims of this member may now be decided otherwise."""


class _Known(Struct, frozen=True, array_like=True, gc=False):
    """The latest word on one transplant; a retraction is remembered as None."""

    occurred_at: Instant
    event_id: str
    transplant: Transplant | None
    event_ids: tuple[str, ...]
    """Every event seen of the transplant, in code point order: an erasure must find them all. So
    none is ever dropped; what bounds them is the row's length (`Adjudication.history`)."""


class _RowV1(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """A row as stored. Another layout takes another tag, and both are then read."""

    known: dict[str, _Known]


_decoder = msgspec.msgpack.Decoder(_RowV1)
_encoder = msgspec.msgpack.Encoder(order="deterministic")


class MemberHistory:
    """The transplants of one member, retracted ones included."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def apply(self, event: HistoryEvent) -> Change:
        """Take in an event; the latest (occurred_at, event_id) of a transplant wins."""
        known = self._known.get(event.transplant_id)
        seen = () if known is None else known.event_ids
        event_ids = seen if event.event_id in seen else (*sorted((*seen, event.event_id)),)
        if known is not None and (event.occurred_at, event.event_id) <= (
            known.occurred_at,
            known.event_id,
        ):
            if event_ids is seen:
                return Change.NOTHING
            self._known[event.transplant_id] = msgspec.structs.replace(known, event_ids=event_ids)
            return Change.REMEMBERED
        self._known[event.transplant_id] = _Known(
            event.occurred_at, event.event_id, event.transplant, event_ids
        )
        before = known.transplant if known is not None else None
        return Change.REMEMBERED if event.transplant == before else Change.ON_FILE

    def copy(self) -> "MemberHistory":
        """A row of its own with the same content."""
        copy = MemberHistory()
        copy._known = dict(self._known)
        return copy

    def shrink(self, max_bytes: int) -> int:
        """Nothing of it may be forgotten: the facts decide, the ids are what an erasure erases."""
        return 0

    def event_ids(self) -> tuple[tuple[str, str], ...]:
        """(transplant_id, event_id) of every event that was ever taken in."""
        return tuple(
            (transplant_id, event_id)
            for transplant_id in sorted(self._known)
            for event_id in self._known[transplant_id].event_ids
        )

    def on_file(self) -> tuple[Transplant, ...]:
        """The transplants that are not retracted, by id in code point order."""
        known = self._known
        found = [each for key in sorted(known) if (each := known[key].transplant) is not None]
        return tuple(found)

    def to_bytes(self) -> bytes:
        """The row for a table: equal content gives equal bytes."""
        return _encoder.encode(_RowV1(self._known))

    @classmethod
    def from_bytes(cls, row: bytes) -> "MemberHistory":
        """The row that `to_bytes` made.

        Raises:
            msgspec.DecodeError: the bytes are no such row.
        """
        history = cls()
        history._known = _decoder.decode(row).known
        return history
