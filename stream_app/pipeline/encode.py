"""From a decision to the bytes and headers of its event; headers of dead letters."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import msgspec
from msgspec import Struct

from stream_app.domain.decision import (
    GUIDELINE,
    Decision,
    LineDecision,
    Outcome,
    Reason,
    Trigger,
)
from stream_app.errors import MalformedEvent
from stream_app.pipeline.remember import LastDecision

Headers = list[tuple[str, bytes]]

CE_SOURCE = b"/cg-trans-03"
_CE_TYPES = {
    outcome: f"cg-trans-03.decision.{outcome.value}.v1".encode("ascii") for outcome in Outcome
}

_CE_TYPE_OF_DRIFT = b"cg-trans-03.history-drift.v1"

ERROR_PREFIX = "__streams.errors."
"""As Kafka Streams names the headers of its dead letters (KIP-1034)."""
REASON_HEADER = "cg_trans_03.reason"
WHERE_HEADER = "cg_trans_03.where"
TIMESTAMP_HEADER = "cg_trans_03.timestamp"

# W3C Trace Context, level 1 fields. Version ff and ids of zeros only are invalid.
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


class _DecisionEvent(Struct, frozen=True, gc=False):
    """A decision event (schemas/decision.v1.schema.json), its fields in the order they are sent."""

    decision_id: str
    decision: Outcome
    claim_id: str
    claim_version: int
    member_id: str
    guideline: str
    lines: tuple[LineDecision, ...]
    trigger: Trigger
    supersedes: str | None
    replay_id: str | None
    source: Mapping[str, Any]
    evaluated_at: str


class _Approval(Struct, frozen=True):
    """The approval that stands, as much as is remembered of it."""

    decision_id: str
    decision: Outcome


class _FreshLine(Struct, frozen=True):
    line_number: int
    procedure_code: str
    decision: Outcome
    policy_version: str | None
    reasons: tuple[Reason, ...]


class _Fresh(Struct, frozen=True):
    """What would be decided now; nobody was sent this decision."""

    decision_id: str
    decision: Outcome
    lines: tuple[_FreshLine, ...]


class _DriftEvent(Struct, frozen=True):
    """A drift event (schemas/history-drift.v1.schema.json), its fields in the order sent."""

    claim_id: str
    claim_version: int
    member_id: str
    guideline: str
    standing: _Approval
    fresh: _Fresh
    trigger: Trigger
    replay_id: str | None
    source: Mapping[str, Any]
    evaluated_at: str


_encoder = msgspec.json.Encoder()


def encode_decision(
    decision: Decision,
    *,
    trigger: Trigger,
    supersedes: str | None,
    replay_id: str | None,
    source: Mapping[str, Any],
    evaluated_at: str,
) -> bytes:
    """The JSON text of a decision event.

    Args:
        decision: what was decided.
        trigger: what made the service decide.
        supersedes: decision_id of the decision that this one replaces.
        replay_id: of the replay job, if it is one.
        source: where the claim event lies: topic, partition, offset; or file, line.
        evaluated_at: RFC 3339; the only part that differs when the same is decided again.
    """
    return _encoder.encode(
        _DecisionEvent(
            decision_id=decision.decision_id,
            decision=decision.decision,
            claim_id=decision.claim_id,
            claim_version=decision.claim_version,
            member_id=decision.member_id,
            guideline=GUIDELINE,
            lines=decision.lines,
            trigger=trigger,
            supersedes=supersedes,
            replay_id=replay_id,
            source=source,
            evaluated_at=evaluated_at,
        )
    )


def encode_drift(
    approval: LastDecision,
    fresh: Decision,
    *,
    trigger: Trigger,
    replay_id: str | None = None,
    source: Mapping[str, Any],
    evaluated_at: str,
) -> bytes:
    """The JSON text of a drift event: an approval, and what would be decided now in its place."""
    return _encoder.encode(
        _DriftEvent(
            claim_id=fresh.claim_id,
            claim_version=fresh.claim_version,
            member_id=fresh.member_id,
            guideline=GUIDELINE,
            standing=_Approval(approval.decision_id, approval.outcome),
            fresh=_Fresh(
                fresh.decision_id,
                fresh.decision,
                tuple(
                    _FreshLine(
                        line.line_number,
                        line.procedure_code,
                        line.decision,
                        line.policy_version,
                        line.reasons,
                    )
                    for line in fresh.lines
                ),
            ),
            trigger=trigger,
            replay_id=replay_id,
            source=source,
            evaluated_at=evaluated_at,
        )
    )


def decision_headers(
    decision_id: str,
    evaluated_at: str,
    outcome: Outcome,
    traceparent: bytes | None,
    causation_id: str | None = None,
) -> Headers:
    """CloudEvents 1.0 attributes in the Kafka binding's binary mode, and the trace carried on.

    Args:
        decision_id: the event's id.
        evaluated_at: RFC 3339.
        outcome: what was decided.
        traceparent: of the claim event.
        causation_id: of the history event that led to the decision.
    """
    return _headers(decision_id, _CE_TYPES[outcome], evaluated_at, traceparent, causation_id)


def drift_headers(
    approval: LastDecision,
    fresh: Decision,
    evaluated_at: str,
    traceparent: bytes | None,
    causation_id: str | None = None,
) -> Headers:
    """As of a decision. The event's id names both decisions: the same drift, the same id."""
    drift_id = f"{approval.decision_id}:{fresh.decision_id}"
    return _headers(drift_id, _CE_TYPE_OF_DRIFT, evaluated_at, traceparent, causation_id)


def _headers(
    event_id: str,
    event_type: bytes,
    evaluated_at: str,
    traceparent: bytes | None,
    causation_id: str | None,
) -> Headers:
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", CE_SOURCE),
        ("ce_type", event_type),
        ("ce_time", evaluated_at.encode()),
        ("content-type", b"application/json"),
    ]
    if causation_id is not None:
        headers.append(("ce_causationid", causation_id.encode()))
    if is_traceparent(traceparent):
        headers.append(("traceparent", traceparent))
    return headers


def is_traceparent(value: bytes | None) -> TypeGuard[bytes]:
    """Whether a header is a well-formed W3C traceparent; anything else is not carried on."""
    return value is not None and _TRACEPARENT.fullmatch(value) is not None


def dead_letter_headers(
    error: MalformedEvent,
    *,
    topic: str,
    partition: int,
    offset: int,
    timestamp: int,
    original: Sequence[tuple[str, bytes | None]] = (),
) -> list[tuple[str, bytes | None]]:
    """The headers of a dead letter: those it came with, then where it came from and why.

    None of ours holds any part of the event.

    Args:
        error: what is wrong with the event.
        topic: that it was read from, like `partition` and `offset`.
        partition: see `topic`.
        offset: see `topic`.
        timestamp: the record's own, in epoch milliseconds; a dead letter has its own time, or
            retention would count from the original's.
        original: the record's own headers, kept as they are.
    """
    return [
        *original,
        (f"{ERROR_PREFIX}topic", topic.encode()),
        (f"{ERROR_PREFIX}partition", str(partition).encode()),
        (f"{ERROR_PREFIX}offset", str(offset).encode()),
        (f"{ERROR_PREFIX}exception", type(error).__name__.encode()),
        (f"{ERROR_PREFIX}message", str(error).encode()),
        (REASON_HEADER, error.reason.value.encode()),
        (WHERE_HEADER, error.where.encode()),
        (TIMESTAMP_HEADER, str(timestamp).encode()),
    ]
