"""What a second look at a skipped claim says of it."""

import json
from typing import Any

import pytest

from stream_app.worker.sample_check import judge

ORDINARY: dict[str, Any] = {
    "event_id": "e-1",
    "occurred_at": "2025-01-01T00:00:00Z",
    "claim_id": "c-1",
    "member_id": "m-1",
    "diagnoses": ["I10"],
    "service_lines": [{"line_number": 1, "procedure_code": "99213", "service_date": "2025-01-01"}],
}


def spoilt(**fields: Any) -> bytes:
    return json.dumps({**ORDINARY, **fields}).encode()


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (spoilt(), "ok"),
        (None, "no_value"),
        (json.dumps(ORDINARY).encode("utf-16"), "NOT_JSON"),
        (b"[]", "NOT_AN_OBJECT"),
        (spoilt(diagnoses="I10"), "SCHEMA_VIOLATION"),
        (
            spoilt(service_lines=[{**ORDINARY["service_lines"][0], "procedure_code": 99213}]),
            "SCHEMA_VIOLATION",
        ),
        (
            spoilt(service_lines=[{**ORDINARY["service_lines"][0], "diagnosis_pointers": [2]}]),
            "INCONSISTENT",
        ),
        (
            # The two shapes that the predicate cannot see by design: noticed here.
            spoilt(service_lines=[{**ORDINARY["service_lines"][0], "specified_as": "new-word"}]),
            "in_scope",
        ),
        (spoilt(replaced_procedure_codes=["99999"]), "in_scope"),
    ],
)
def test_sample_is_judged_as_adjudicate_would(value: bytes | None, verdict: str) -> None:
    assert judge(value) == verdict
