"""Bytes and headers of decision events, headers of dead letters."""

import json
from typing import Any

import pytest

from stream_app.domain.decision import (
    Adjustment,
    ClaimStatus,
    Criterion,
    Decision,
    LineDecision,
    Outcome,
    Reason,
    Trigger,
)
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.encode import dead_letter_headers, decision_headers, encode_decision

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AT = "2026-01-02T03:04:05.678Z"
DECISION = Decision(
    "4f1c2f64-5d0c-5a4e-9f0c-3f2b8f1d2a10",
    Outcome.PEND,
    "CLM",
    2,
    "MBR",
    (
        LineDecision(
            line_number=1,
            procedure_code="38242",
            decision=Outcome.PEND,
            policy_version=None,
            reasons=(Reason("HISTORY_NOT_FOUND", "Nothing is on file.", "Clinical Indications"),),
            criteria=(Criterion("diagnosis_listed", None, {"b": [1, None], "a": "é"}),),
            adjustment=Adjustment("CO", "252", ("M127",)),
            claim_status=ClaimStatus("P1"),
        ),
    ),
)


def encoded(**changes: Any) -> bytes:
    given: dict[str, Any] = {
        "trigger": Trigger.CLAIM,
        "supersedes": None,
        "replay_id": None,
        "source": {"topic": "t", "partition": 0, "offset": 7},
        "evaluated_at": AT,
    }
    return encode_decision(DECISION, **{**given, **changes})


def test_event_holds_the_decision_and_how_it_came_about() -> None:
    assert json.loads(encoded(trigger=Trigger.HISTORY_UPDATE, supersedes="s", replay_id="r")) == {
        "decision_id": DECISION.decision_id,
        "decision": "pend",
        "claim_id": "CLM",
        "claim_version": 2,
        "member_id": "MBR",
        "guideline": "CG-TRANS-03",
        "lines": [
            {
                "line_number": 1,
                "procedure_code": "38242",
                "decision": "pend",
                "policy_version": None,
                "reasons": [
                    {
                        "code": "HISTORY_NOT_FOUND",
                        "text": "Nothing is on file.",
                        "section": "Clinical Indications",
                    }
                ],
                "criteria": [
                    {
                        "criterion": "diagnosis_listed",
                        "value": None,
                        "evidence": {"a": "é", "b": [1, None]},
                    }
                ],
                "adjustment": {"group": "CO", "carc": "252", "rarc": ["M127"]},
                "claim_status": {"category": "P1"},
            }
        ],
        "trigger": "history-update",
        "supersedes": "s",
        "replay_id": "r",
        "source": {"topic": "t", "partition": 0, "offset": 7},
        "evaluated_at": AT,
    }


def test_event_is_the_same_bytes_when_the_inputs_are_the_same() -> None:
    assert encoded() == encoded()
    later = "2026-01-02T03:04:06Z"
    assert encoded(evaluated_at=later) == encoded().replace(AT.encode(), later.encode())


def test_headers_are_those_of_cloudevents_in_binary_mode() -> None:
    assert dict(decision_headers(DECISION.decision_id, AT, Outcome.PEND, TRACE)) == {
        "ce_specversion": b"1.0",
        "ce_id": DECISION.decision_id.encode(),
        "ce_source": b"/cg-trans-03",
        "ce_type": b"cg-trans-03.decision.pend.v1",
        "ce_time": AT.encode(),
        "content-type": b"application/json",
        "traceparent": TRACE,
    }


@pytest.mark.parametrize("outcome", Outcome)
def test_type_says_the_outcome(outcome: Outcome) -> None:
    headers = dict(decision_headers("id", AT, outcome, None))
    assert headers["ce_type"] == f"cg-trans-03.decision.{outcome.value}.v1".encode()


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        b"",
        b"MBR-0001",
        TRACE.upper(),
        TRACE + b"\n",
        TRACE + b"-00",
        TRACE.replace(b"00-", b"ff-", 1),
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01",
    ],
)
def test_traceparent_is_dropped_when_it_is_malformed(malformed: bytes | None) -> None:
    assert "traceparent" not in dict(decision_headers("id", AT, Outcome.DENY, malformed))


def test_dead_letter_keeps_its_headers_and_says_where_from_and_why() -> None:
    fault = MalformedEvent(DeadLetterReason.SCHEMA_VIOLATION, "$.service_lines[2].service_date")
    original = [("traceparent", TRACE), ("empty", None), ("__streams.errors.topic", b"older")]
    headers = dead_letter_headers(
        fault, topic="in", partition=3, offset=42, timestamp=1, original=original
    )
    assert headers[:3] == original
    assert dict(headers[3:]) == {
        "__streams.errors.topic": b"in",
        "__streams.errors.partition": b"3",
        "__streams.errors.offset": b"42",
        "__streams.errors.exception": b"MalformedEvent",
        "__streams.errors.message": b"SCHEMA_VIOLATION at $.service_lines[2].service_date",
        "cg_trans_03.reason": b"SCHEMA_VIOLATION",
        "cg_trans_03.where": b"$.service_lines[2].service_date",
        "cg_trans_03.timestamp": b"1",
    }
