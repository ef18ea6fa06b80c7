"""The contracts as files, and validators of them that share no code with the service."""

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs

SCHEMAS = Path(__file__).parents[2] / "schemas"
EXAMPLES = SCHEMAS / "examples"

CLAIM, HISTORY = "claims.adjudication", "member.transplant-history"
DECISION, DRIFT, DEAD_LETTER_LINE = "decision", "history-drift", "dead-letter-line"
REPLAY_REPORT = "replay-report"


@functools.cache
def schema(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{name}.v1.schema.json").read_text(encoding="utf-8"))


@functools.cache
def rust_validator(name: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(schema(name), validate_formats=True)


@functools.cache
def python_validator(name: str) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(schema(name), format_checker=jsonschema.FormatChecker())


def fits(name: str, event: object) -> bool:
    """Whether an event fits its schema: two validators asked, which have to agree."""
    verdict = rust_validator(name).is_valid(event)
    if not _has_leap_second(event):
        assert python_validator(name).is_valid(event) is verdict
    return verdict


def _has_leap_second(event: object) -> bool:
    """jsonschema's checker of date-times (rfc3339-validator) knows no leap second."""
    return isinstance(event, dict) and ":60" in str(event.get("occurred_at"))
