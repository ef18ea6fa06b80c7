"""The first hop finds a claim's member as `decode_claim` would, and refuses what it refuses."""

import json
from typing import Any

import pytest

from stream_app.errors import MalformedEvent
from stream_app.pipeline.address import member_in_scope
from stream_app.pipeline.decode import decode_claim


def event(line: dict[str, Any] | None = None, **fields: Any) -> bytes:
    lines = [
        {"line_number": 1, "procedure_code": "38242", "service_date": "2024-10-15"} | (line or {})
    ]
    plain = {
        "event_id": "e",
        "occurred_at": "2024-11-05T10:11:12Z",
        "claim_id": "c",
        "member_id": "m",
        "diagnoses": ["C92.10"],
        "service_lines": lines,
    }
    return json.dumps(plain | fields, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "value",
    [
        event(),
        b"\x00\x00\x00\x00\x07" + event(),
        event(claim_frequency_code="8"),
        event({"procedure_code": "99213"}, replaced_procedure_codes=["38242"]),
        event({"procedure_code": "99213", "specified_as": "donor_lymphocyte_collection"}),
        event({"service_date_end": "2024-10-16", "diagnosis_pointers": [1]}),
        event({"line_number": 7, "donor_id": "\u00c4"}),
        event(claim_version=1.0),
    ],
)
def test_member_is_found_when_the_claim_is_in_scope(value: bytes) -> None:
    claim = decode_claim(value)
    assert claim is not None
    assert member_in_scope(value) == claim.member_id == "m"


@pytest.mark.parametrize(
    "value",
    [
        event({"procedure_code": "99213"}),
        event({"procedure_code": "99213"}, replaced_procedure_codes=[]),
        event({"procedure_code": "99213", "line_number": 0}),
    ],
)
def test_nobody_is_named_when_the_claim_is_out_of_scope(value: bytes) -> None:
    assert decode_claim(value) is None
    assert member_in_scope(value) is None


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"[]",
        event(remarks="?").replace(b"?", b"\xff"),
        event(occurred_at="2024-11-05"),
        event(claim_frequency_code="2"),
        event(diagnoses=["C92.10", "9"]),
        event(service_lines=[json.loads(event())["service_lines"][0]] * 2),
        event({"procedure_code": " 38242"}),
        event({"specified_as": "something else"}),
        event({"diagnosis_pointers": [1, 2]}),
        event({"service_date_end": "2024-10-14"}),
        event({"service_date_end": "2024-02-30"}),
    ],
)
def test_refusal_is_the_decoders_when_the_claim_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedEvent) as decoded:
        decode_claim(value)
    with pytest.raises(MalformedEvent) as addressed:
        member_in_scope(value)
    assert str(addressed.value) == str(decoded.value)
