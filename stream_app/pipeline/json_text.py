"""From the bytes of a record to a JSON object."""

from typing import Any

import orjson

from stream_app.errors import DeadLetterReason, MalformedEvent

_CONFLUENT_MAGIC = 0
_CONFLUENT_FRAME = 5
"""A zero byte and a schema id of four bytes. No JSON text begins with a zero byte."""


def unframe(value: bytes) -> bytes:
    """The JSON text in a record's value, with the Confluent frame taken off if there is one."""
    return value[_CONFLUENT_FRAME:] if value and value[0] == _CONFLUENT_MAGIC else value


def parse_object(text: bytes) -> dict[str, Any]:
    """The object that a JSON text holds; of equal names the last counts.

    Raises:
        MalformedEvent: NOT_JSON, also for text that readers of JSON do not agree upon (lone
            surrogates, a byte order mark, more than 1,024 levels, a number beyond a double);
            NOT_AN_OBJECT.
    """
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Raised outside of this block: the parser's error carries the whole document along.
        reason = DeadLetterReason.NOT_JSON
    else:
        if isinstance(event, dict):
            return event
        reason = DeadLetterReason.NOT_AN_OBJECT
    raise MalformedEvent(reason)
