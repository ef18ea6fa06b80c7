"""Claims and histories for the integration tests: as small as the contract allows."""

import itertools
import uuid
from typing import Any, NamedTuple

import orjson

_numbers = itertools.count(1)

TRACEPARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Member(NamedTuple):
    """A member that no other test knows, and the names of what is theirs."""

    member_id: str
    claim_id: str
    transplant_id: str


def new_member() -> Member:
    word = uuid.uuid4().hex[:10]
    return Member(f"M-{word}", f"C-{word}", f"T-{word}")


def instant(seconds: int) -> str:
    """RFC 3339, that many seconds into a day of the test's own."""
    return f"2025-03-01T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def claim(member: Member, **fields: Any) -> dict[str, Any]:
    """A claim for a donor lymphocyte infusion that is approved once the history is known."""
    return {
        "event_id": f"E-{next(_numbers)}-{uuid.uuid4().hex[:8]}",
        "occurred_at": instant(0),
        "claim_id": member.claim_id,
        "member_id": member.member_id,
        "diagnoses": ["C92.01"],
        "service_lines": [
            {
                "line_number": 1,
                "procedure_code": "38242",
                "service_date": "2025-01-20",
                "diagnosis_pointers": [1],
                "donor_id": "D-1",
            }
        ],
    } | fields


def out_of_scope(number: int) -> bytes:
    """A claim that nobody has to look at."""
    return orjson.dumps(
        {
            "event_id": f"O-{number}",
            "occurred_at": instant(0),
            "claim_id": f"OC-{number}",
            "member_id": f"OM-{number}",
            "diagnoses": ["E11.9"],
            "service_lines": [
                {"line_number": 1, "procedure_code": "99213", "service_date": "2025-01-20"}
            ],
        }
    )


def history(member: Member, **fields: Any) -> dict[str, Any]:
    """The allogeneic transplant that the claim above follows."""
    record = {
        "type": "allogeneic",
        "status": "performed",
        "transplant_date": "2024-06-01",
        "indication": "C92.00",
        "medically_necessary": True,
        "donor_id": "D-1",
    }
    return {
        "event_id": f"H-{next(_numbers)}-{uuid.uuid4().hex[:8]}",
        "occurred_at": instant(0),
        "member_id": member.member_id,
        "transplant_id": member.transplant_id,
        "operation": "upsert",
        "transplant": record | fields.pop("transplant", {}),
    } | fields
