"""Files of one JSON object a line, read as people really have them.

A byte order mark at the start is passed over, a line may end in LF or CRLF, and blank lines count
as lines but hold nothing. Lines are bytes: whether they are JSON is for the decoder to say.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stream_app.errors import DeadLetterReason, MalformedEvent, UsageError

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes held of a line. No record of Kafka comes near; a file without line ends does."""
KEPT_OF_LONGER = 4096
STANDARD = "-"

_BOM = b"\xef\xbb\xbf"
_NOT_TEXT = {
    b"\x1f\x8b": "is compressed (gzip); use: zcat FILE | cg-trans-03 ... -",
    b"\x28\xb5\x2f\xfd": "is compressed (zstd); use: zstdcat FILE | cg-trans-03 ... -",
    b"PK\x03\x04": "is a ZIP archive; unpack it first",
    b"PAR1": "is a Parquet file; write it as one JSON object a line",
    b"\xff\xfe": "is UTF-16; write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE",
    b"\xfe\xff": "is UTF-16; write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE",
}


class InputLine(NamedTuple):
    """One line that is not blank."""

    number: int
    """1-based; blank lines count."""
    value: bytes
    """Without its line end; only the beginning of a line that is too long."""
    size: int
    """Bytes of the whole line, without its line end."""
    end: int
    """Bytes of the file up to the end of this line."""

    @property
    def too_long(self) -> bool:
        """Whether `value` holds only the beginning."""
        return self.size > len(self.value)


class InputFile:
    """A file that is open for reading; `-` is standard input."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self.name = name
        self._stream = stream
        self.used_lines = 0
        self.blank_lines = 0

    @property
    def size(self) -> int | None:
        """Bytes, where the file is a regular one."""
        try:
            status = os.fstat(self._stream.fileno())
        except OSError:
            return None
        return status.st_size or None

    def lines(self) -> Iterator[InputLine]:
        """Every line that is not blank.

        Raises:
            UsageError: the file begins like something else than lines of text.
        """
        readline = self._stream.readline
        number = end = 0
        while line := readline(LONGEST_LINE):
            number += 1
            end += len(line)
            size = len(line)
            if number == 1:
                self._refuse_other_formats(line)
                line = line.removeprefix(_BOM)
            if size == LONGEST_LINE and not line.endswith(b"\n"):
                while rest := readline(LONGEST_LINE):
                    end += len(rest)
                    size += len(_without_end(rest))
                    if rest.endswith(b"\n"):
                        break
                if size > LONGEST_LINE:
                    self.used_lines += 1
                    yield InputLine(number, line[:KEPT_OF_LONGER], size, end)
                    continue
            line = _without_end(line)
            if line and not line.isspace():
                self.used_lines += 1
                yield InputLine(number, line, len(line), end)
            else:
                self.blank_lines += 1

    def whole(self) -> bytes:
        """Everything in the file, as one value.

        Raises:
            UsageError: the file is no text, is empty or is far too large for one event.
        """
        value = self._stream.read(LONGEST_LINE + 1)
        if len(value) > LONGEST_LINE:
            raise UsageError(f"{self.name}: is larger than any event; name a file that holds one")
        self._refuse_other_formats(value)
        value = value.removeprefix(_BOM).strip()
        if not value:
            raise UsageError(f"{self.name}: is empty; it must hold one event as JSON")
        return value

    def _refuse_other_formats(self, start: bytes) -> None:
        for magic, what in _NOT_TEXT.items():
            if start.startswith(magic):
                raise UsageError(f"{self.name}: {what}")


def whole(line: InputLine) -> bytes:
    """The value of a line.

    Raises:
        MalformedEvent: it is too long to be held.
    """
    if line.too_long:
        raise MalformedEvent(DeadLetterReason.TOO_LARGE)
    return line.value


def _without_end(line: bytes) -> bytes:
    return line[: -2 if line.endswith(b"\r\n") else -1] if line.endswith(b"\n") else line


@contextmanager
def open_input(name: str) -> Iterator[InputFile]:
    """Opens a file of lines, or standard input.

    Raises:
        UsageError: it cannot be read, in one line that names it and says what to do.
    """
    if name == STANDARD:
        yield InputFile(name, sys.stdin.buffer)
        return
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{name}: is a folder; name a file of one JSON object a line")
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise UsageError(
            f"{name}: no such file; 'cg-trans-03 generate --out-dir DIR' makes some to try"
        ) from None
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from None
    with stream:
        yield InputFile(name, stream)
