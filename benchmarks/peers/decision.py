"""What every peer does with a claim in scope: as little as the comparison allows.

Simpler than the service's own rules by far, so that no peer is slow for their sake.
"""

import orjson

CODES = {"38242", "86999"}


def decide(value: bytes, history: dict[str, dict]) -> tuple[bytes, bytes] | None:
    """(key, value) of the decision on a claim, None if none of its lines is in scope."""
    claim = orjson.loads(value)
    if not any(line["procedure_code"] in CODES for line in claim["service_lines"]):
        return None
    transplant = history.get(claim["member_id"], {})
    is_allogeneic = transplant.get("type") == "allogeneic"
    approved = is_allogeneic and transplant.get("medically_necessary") is True
    decision = {
        "claim_id": claim["claim_id"],
        "member_id": claim["member_id"],
        "decision": "approve" if approved else "pend",
        "reason": "DLI_CRITERIA_MET" if approved else "HISTORY_NOT_FOUND",
    }
    return claim["claim_id"].encode(), orjson.dumps(decision)


def may_matter(value: bytes) -> bool:
    """The prefilter: whether parsing can be of use at all."""
    return b"38242" in value or b"86999" in value


def row(value: bytes) -> tuple[str, dict]:
    """(member, transplant) of a history event."""
    event = orjson.loads(value)
    return event["member_id"], event["transplant"]
