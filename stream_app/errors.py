"""Every error this service raises on purpose.

No message here may carry a member id, a claim id or any value of a payload: messages
reach logs, dead-letter headers and terminals. Positions (a JSON path without values, a
line number, an offset) are fine.
"""

from enum import StrEnum


class CgTrans03Error(Exception):
    """Base of all errors meant for a person: one line that says what, where and what to do."""


class UsageError(CgTrans03Error):
    """The caller asked for something that cannot be: a bad option, file or setting."""


class DeadLetterReason(StrEnum):
    """Why an event could not be used: the reason code of its dead letter."""

    NOT_JSON = "NOT_JSON"
    """The bytes are not one UTF-8 JSON text (RFC 8259)."""
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    """The JSON text is not an object."""
    SCHEMA_VIOLATION = "SCHEMA_VIOLATION"
    """The event breaks its JSON Schema (schemas/*.v1.schema.json)."""
    INCONSISTENT = "INCONSISTENT"
    """The event fits the schema but contradicts itself (rule 0: a pointer to no diagnosis,
    duplicate line numbers, an end before its start)."""
    TOO_LARGE = "TOO_LARGE"
    """The event is larger than the service may copy to the next topic."""


class MalformedEvent(CgTrans03Error):
    """An event that ends in the dead-letter topic.

    Args:
        reason: the code under which it is counted and filed.
        where: a JSON path made of field names and indexes only
            (``$.service_lines[2].service_date``), ``key``, or ``header`` and its name.
    """

    def __init__(self, reason: DeadLetterReason, where: str = "$") -> None:
        super().__init__(f"{reason.value} at {where}")
        self.reason = reason
        self.where = where
