"""What could not be used (contract: schemas/dead-letter-line.v1.schema.json)."""

import base64

import orjson
from msgspec import Struct

from stream_app.adjudicate.lines import InputLine
from stream_app.errors import DeadLetterReason, MalformedEvent


class DeadLetter(Struct, frozen=True):
    """A line that holds no usable event."""

    file: str
    line: int
    reason: DeadLetterReason
    where: str
    value: bytes
    size: int

    @classmethod
    def of(cls, file: str, line: InputLine, error: MalformedEvent) -> "DeadLetter":
        """Files a line under what the decoder found wrong with it."""
        return cls(file, line.number, error.reason, error.where, line.value, line.size)

    def report(self) -> str:
        """One line for a person, without any value of the event."""
        where = "" if self.where == "$" else f" at {self.where}"
        return f"{self.file}:{self.line}: {self.reason.value}{where}"

    def to_json(self) -> bytes:
        """The dead letter as a JSON object.

        JSON holds text only. Of a line that is not UTF-8 `value` shows what can be shown, with
        U+FFFD for the rest, and `value_base64` carries the exact bytes.
        """
        letter: dict[str, object] = {
            "file": self.file,
            "line": self.line,
            "reason": self.reason.value,
            "where": self.where,
        }
        try:
            letter["value"] = self.value.decode()
        except UnicodeDecodeError:
            letter["value"] = self.value.decode(errors="replace")
            letter["value_base64"] = base64.b64encode(self.value).decode("ascii")
        if self.size > len(self.value):
            letter["size"] = self.size
        return orjson.dumps(letter)
