"""What a population hands out, and what must become of it."""

from enum import StrEnum

from msgspec import Struct, field

from stream_app.errors import DeadLetterReason
from stream_app.synthetic.scenarios import Scenario


class Stream(StrEnum):
    """Where an event belongs."""

    CLAIMS = "claims"
    HISTORY = "history"


class Kind(StrEnum):
    """What a population made an event to be."""

    ORDINARY = "ordinary"
    NEAR_MISS = "near-miss"
    """Out of scope, though the scan cannot skip it."""
    IN_SCOPE = "in-scope"
    HISTORY = "history"
    POISON = "poison"


class Event(Struct, frozen=True, gc=False):
    """One record, as a producer would send it."""

    stream: Stream
    key: bytes
    value: bytes
    kind: Kind


class Malformed(Struct, frozen=True):
    """A poisoned event and what is expected of it."""

    reason: DeadLetterReason
    scan_sees: bool
    """Whether the scan finds something in its bytes; if not, the worker counts and skips it."""


class Truth(Struct):
    """What must become of the events handed out so far."""

    claims: int = 0
    history: int = 0
    standing: dict[str, Scenario] = field(default_factory=dict)
    """By claim_id of every in-scope claim: the decision once everything has arrived."""
    decided: set[str] = field(default_factory=set)
    """Claim ids for which some event, read in this order, calls for a decision."""
    malformed_claims: dict[bytes, Malformed] = field(default_factory=dict)
    """By record key."""
    malformed_history: dict[bytes, Malformed] = field(default_factory=dict)
