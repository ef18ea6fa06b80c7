"""Log lines: JSON for machines, short text for people, and never a value of a payload.

Faust and aiokafka log keys and values of records at DEBUG; below INFO they are not listened to,
whatever the setting says.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

import orjson

FIELDS = ("hop", "topic", "partition", "offset", "reason", "trace_id", "left_out")
"""What a line may carry beside its text (`extra=`): places and codes, nothing of a payload."""

_TALKATIVE = ("aiokafka", "faust", "mode", "asyncio", "kafka", "opentelemetry", "urllib3")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in FIELDS:
            value = getattr(record, name, None)
            if value is not None:
                line[name] = value
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line).decode()
        except TypeError:
            # A lone surrogate (from a file name, say) is no UTF-8; this escapes it.
            return json.dumps(line)


class Sparing(logging.Filter):
    """Lets so many lines through in so many seconds; the first one after says what was left out.

    For lines that a flood of bad records would otherwise turn into a flood of lines.
    """

    def __init__(self, lines: int, seconds: float) -> None:
        super().__init__()
        self._lines, self._seconds = lines, seconds
        self._since = float("-inf")
        self._passed = self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.created - self._since >= self._seconds:
            if self._left_out:
                record.left_out = self._left_out
            self._since = record.created
            self._passed = self._left_out = 0
        self._passed += 1
        if self._passed > self._lines:
            self._left_out += 1
            return False
        return True


def set_up_logging(level: str, style: Literal["auto", "json", "human"]) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if style == "human" or (style == "auto" and sys.stderr.isatty()):
        handler.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)-7s %(name)s  %(message)s", "%H:%M:%S")
        )
    else:
        handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelName(level)))
