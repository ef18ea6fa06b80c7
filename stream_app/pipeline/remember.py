"""What was last heard and said of each claim of a member: one table row.

It tells an event that stands from one that is late (rule 1), names the decision that the next
one supersedes, and holds enough of the claim to decide it anew when history changes.
"""

from enum import StrEnum

import msgspec
from msgspec import Struct

from stream_app.domain.claim import Claim, ClaimFrequency
from stream_app.domain.decision import Outcome
from stream_app.domain.instant import Instant
from stream_app.pipeline.enrich import standing_key

_MINUTES_A_DAY = 24 * 60


class Standing(StrEnum):
    """How an event of a claim stands to what is remembered of that claim."""

    NEWER = "newer"
    REDELIVERY = "redelivery"
    OLDER = "older"


class Source(Struct, frozen=True, array_like=True, gc=False):
    """Where the claim event lies in Kafka."""

    topic: str
    partition: int
    offset: int


class LastDecision(Struct, frozen=True, array_like=True, gc=False):
    """A decision that was told, as much of it as a later one is compared with."""

    decision_id: str
    outcome: Outcome
    reasons: tuple[tuple[str, ...], ...]
    """The reason codes of each line, in line order."""
    claim_version: int = 1
    shadow: bool = False
    """Told to the shadow topic only: to everybody else it was never made."""


class RememberedClaim(Struct, frozen=True, omit_defaults=True, gc=False):
    """The event of a claim that stands, and what came of it."""

    claim: Claim
    source: Source
    heard_minute: int = 0
    """When the event was taken in, in minutes since the epoch by our clock. Age counts from here:
    a backfill brings claims of years ago, and forgetting them at once would let an older version
    that comes later be decided, or a void be in vain."""
    traceparent: str | None = None
    decision: LastDecision | None = None
    """What was last sent of the claim, of an earlier version where this one is void or has no
    applicable line. None: nothing ever was."""
    drift: LastDecision | None = None
    """What was last reported to differ from `decision`, which then is an approval."""

    @property
    def is_void(self) -> bool:
        """Whether the claim stands void: it is not decided, but holds off older versions."""
        return self.claim.frequency is ClaimFrequency.VOID


class _RowV1(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """A row as it was stored at first. It is read still; what is written has the layout below."""

    claims: dict[str, RememberedClaim]


class _Stored(Struct, frozen=True, array_like=True, gc=False):
    """A remembered claim as it lies in a row."""

    heard_minute: int
    """The claim's own: what is too old is found without opening it."""
    remembered: msgspec.Raw


class _RowV2(Struct, frozen=True, array_like=True, tag=2, gc=False):
    """A row as stored. Another layout takes another tag, and all are then read.

    The claims lie in it each by itself: an event opens one of them and leaves the others closed.
    """

    claims: dict[str, _Stored]


_decoder = msgspec.msgpack.Decoder(_RowV1 | _RowV2)
_opener = msgspec.msgpack.Decoder(RememberedClaim)
_encoder = msgspec.msgpack.Encoder(order="deterministic")


class MemberClaims:
    """The remembered claims of one member, by claim_id."""

    def __init__(self) -> None:
        self._stored: dict[str, _Stored] = {}
        self._open: dict[str, RememberedClaim] = {}
        """Those of them that somebody has looked at."""

    def __len__(self) -> int:
        return len(self._stored)

    def get(self, claim_id: str) -> RememberedClaim | None:
        """What is remembered of a claim."""
        remembered = self._open.get(claim_id)
        if remembered is None and (stored := self._stored.get(claim_id)) is not None:
            remembered = self._open[claim_id] = _opener.decode(stored.remembered)
        return remembered

    def all(self) -> tuple[RememberedClaim, ...]:
        """Every remembered claim, by claim_id in code point order."""
        found = map(self.get, sorted(self._stored))
        return tuple([remembered for remembered in found if remembered is not None])

    def stands(self, claim: Claim) -> Standing:
        """Whether the claim's event is newer than, the same as, or older than the remembered."""
        remembered = self.get(claim.claim_id)
        if remembered is None:
            return Standing.NEWER
        key, known = standing_key(claim), standing_key(remembered.claim)
        if key == known:
            return Standing.REDELIVERY
        return Standing.NEWER if key > known else Standing.OLDER

    def remember(self, remembered: RememberedClaim) -> None:
        """Put a claim in the place of what was remembered of it."""
        claim_id = remembered.claim.claim_id
        self._open[claim_id] = remembered
        self._stored[claim_id] = _Stored(
            remembered.heard_minute, msgspec.Raw(_encoder.encode(remembered))
        )

    def prune(self, now: Instant, max_age_days: int, max_count: int) -> int:
        """Forget the claims that are too old, then the oldest that are too many.

        Age counts from when the event was heard, order from `occurred_at`. A forgotten claim is
        decided as a new one when an event of it comes again.

        Returns:
            How many were forgotten.
        """
        oldest = now.minute - max_age_days * _MINUTES_A_DAY
        heard = [stored.heard_minute for stored in self._stored.values()]
        if len(heard) <= max_count and min(heard, default=oldest) >= oldest:
            return 0
        kept = [each for each in self._latest_first() if each.heard_minute >= oldest]
        forgotten = kept[max_count:] + [each for each in self.all() if each.heard_minute < oldest]
        for each in forgotten:
            self._forget(each)
        return len(forgotten)

    def shrink(self, max_bytes: int) -> int:
        """Forget the oldest claims until the row is no longer than that.

        Returns:
            How many were forgotten.
        """
        forgotten, latest_first = 0, self._latest_first()
        while latest_first and len(self.to_bytes()) > max_bytes:
            # A tenth at a time: a row that is too long may hold many small claims.
            for _ in range(1 + len(latest_first) // 10):
                self._forget(latest_first.pop())
                forgotten += 1
        return forgotten

    def _forget(self, remembered: RememberedClaim) -> None:
        claim_id = remembered.claim.claim_id
        del self._stored[claim_id], self._open[claim_id]

    def _latest_first(self) -> list[RememberedClaim]:
        return sorted(
            self.all(),
            key=lambda remembered: (remembered.claim.occurred_at, remembered.claim.claim_id),
            reverse=True,
        )

    def to_bytes(self) -> bytes:
        """The row for a table: equal content gives equal bytes."""
        return _encoder.encode(_RowV2(self._stored))

    @classmethod
    def from_bytes(cls, row: bytes) -> "MemberClaims":
        """The row that `to_bytes` made.

        Raises:
            msgspec.DecodeError: the bytes are no such row.
        """
        claims = cls()
        stored = _decoder.decode(row)
        if isinstance(stored, _RowV2):
            claims._stored = stored.claims
        else:
            for remembered in stored.claims.values():
                claims.remember(remembered)
        return claims


class _Outcome(Struct, array_like=True):
    """As much of a `LastDecision` as tells whether it pends."""

    decision_id: msgspec.Raw
    outcome: Outcome
    reasons: msgspec.Raw
    claim_version: int = 1
    shadow: bool = False


class _Version(Struct):
    claim_version: int = 1
    frequency: ClaimFrequency = ClaimFrequency.ORIGINAL


class _Pendable(Struct):
    claim: _Version
    heard_minute: int = 0
    decision: _Outcome | None = None


class _PendableRowV1(Struct, array_like=True, tag=1):
    claims: dict[str, _Pendable]


class _PendableStored(Struct, array_like=True):
    heard_minute: int
    remembered: _Pendable


class _PendableRowV2(Struct, array_like=True, tag=2):
    claims: dict[str, _PendableStored]


_pendable = msgspec.msgpack.Decoder(_PendableRowV1 | _PendableRowV2)
_PEND = msgspec.msgpack.encode(Outcome.PEND)
"""Stands in every row that holds a pend; most rows hold none and need not be decoded."""


class Pended(Struct, frozen=True):
    """How many claims of a row are pended, and since when the longest of them is known."""

    claims: int
    since_minute: int
    """In minutes since the epoch; meaningless where there is no such claim."""


def pended(row: bytes, *, shadow: bool) -> Pended:
    """Count the claims of a stored row whose decision in force is a pend.

    Decodes only what it needs: it goes over whole tables in the background.

    Raises:
        msgspec.DecodeError: the bytes are no such row.
    """
    if _PEND not in row:
        return Pended(0, 0)
    minutes = [
        each.heard_minute
        for each in _pendable_claims(row)
        if each.decision is not None
        and each.decision.outcome is Outcome.PEND
        and each.decision.shadow is shadow
        and each.decision.claim_version == each.claim.claim_version
        and each.claim.frequency is not ClaimFrequency.VOID
    ]
    return Pended(len(minutes), min(minutes, default=0))


def _pendable_claims(row: bytes) -> list[_Pendable]:
    stored = _pendable.decode(row)
    if isinstance(stored, _PendableRowV1):
        return list(stored.claims.values())
    return [each.remembered for each in stored.claims.values()]
