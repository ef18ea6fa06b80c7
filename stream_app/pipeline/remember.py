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


class Source(Struct, frozen=True, array_like=True):
    """Where the claim event lies in Kafka."""

    topic: str
    partition: int
    offset: int


class LastDecision(Struct, frozen=True, array_like=True):
    """A decision that was told, as much of it as a later one is compared with."""

    decision_id: str
    outcome: Outcome
    reasons: tuple[tuple[str, ...], ...]
    """The reason codes of each line, in line order."""
    claim_version: int = 1
    shadow: bool = False
    """Told to the shadow topic only: to everybody else it was never made."""


class RememberedClaim(Struct, frozen=True, omit_defaults=True):
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


class _RowV1(Struct, frozen=True, array_like=True, tag=1):
    """A row as stored. Another layout takes another tag, and both are then read."""

    claims: dict[str, RememberedClaim]


_decoder = msgspec.msgpack.Decoder(_RowV1)
_encoder = msgspec.msgpack.Encoder(order="deterministic")


class MemberClaims:
    """The remembered claims of one member, by claim_id."""

    def __init__(self) -> None:
        self._claims: dict[str, RememberedClaim] = {}

    def __len__(self) -> int:
        return len(self._claims)

    def get(self, claim_id: str) -> RememberedClaim | None:
        """What is remembered of a claim."""
        return self._claims.get(claim_id)

    def all(self) -> tuple[RememberedClaim, ...]:
        """Every remembered claim, by claim_id in code point order."""
        return tuple(self._claims[claim_id] for claim_id in sorted(self._claims))

    def stands(self, claim: Claim) -> Standing:
        """Whether the claim's event is newer than, the same as, or older than the remembered."""
        remembered = self._claims.get(claim.claim_id)
        if remembered is None:
            return Standing.NEWER
        key, known = standing_key(claim), standing_key(remembered.claim)
        if key == known:
            return Standing.REDELIVERY
        return Standing.NEWER if key > known else Standing.OLDER

    def remember(self, remembered: RememberedClaim) -> None:
        """Put a claim in the place of what was remembered of it."""
        self._claims[remembered.claim.claim_id] = remembered

    def prune(self, now: Instant, max_age_days: int, max_count: int) -> int:
        """Forget the claims that are too old, then the oldest that are too many.

        Age counts from when the event was heard, order from `occurred_at`. A forgotten claim is
        decided as a new one when an event of it comes again.

        Returns:
            How many were forgotten.
        """
        oldest = now.minute - max_age_days * _MINUTES_A_DAY
        if len(self._claims) <= max_count and all(
            each.heard_minute >= oldest for each in self._claims.values()
        ):
            return 0
        latest_first = self._latest_first()
        kept = [each for each in latest_first if each.heard_minute >= oldest]
        forgotten = len(self._claims) - len(kept[:max_count])
        self._claims = {each.claim.claim_id: each for each in kept[:max_count]}
        return forgotten

    def shrink(self, max_bytes: int) -> int:
        """Forget the oldest claims until the row is no longer than that.

        Returns:
            How many were forgotten.
        """
        forgotten, latest_first = 0, self._latest_first()
        while latest_first and len(self.to_bytes()) > max_bytes:
            # A tenth at a time: a row that is too long may hold many small claims.
            for _ in range(1 + len(latest_first) // 10):
                del self._claims[latest_first.pop().claim.claim_id]
                forgotten += 1
        return forgotten

    def _latest_first(self) -> list[RememberedClaim]:
        return sorted(
            self._claims.values(),
            key=lambda remembered: (remembered.claim.occurred_at, remembered.claim.claim_id),
            reverse=True,
        )

    def to_bytes(self) -> bytes:
        """The row for a table: equal content gives equal bytes."""
        return _encoder.encode(_RowV1(self._claims))

    @classmethod
    def from_bytes(cls, row: bytes) -> "MemberClaims":
        """The row that `to_bytes` made.

        Raises:
            msgspec.DecodeError: the bytes are no such row.
        """
        claims = cls()
        claims._claims = _decoder.decode(row).claims
        return claims
