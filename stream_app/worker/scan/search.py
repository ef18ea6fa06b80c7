"""The predicate of `stream_app.pipeline.scope.may_be_in_scope` over a whole payload at once.

Two steps, so that a batch without a hit costs one pass and nothing else: `Needles.find` names the
places of a payload that a record's value in scope could have made; `is_match` then judges one
of them within one value, and agrees with the predicate exactly.
"""

from typing import Final

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from stream_app.pipeline.scope import PROCEDURE_CODES
from stream_app.worker.scan.record_batch import Payload

_CODES = tuple(code.encode() for code in sorted(PROCEDURE_CODES))
# The order is free, the number is not: four needles, leftmost-first, make the automaton run on
# vector instructions (0.26 microseconds for a claim of 850 bytes); the two codes alone take 0.76,
# four needles with standard matching 1.4, four automata one after the other 0.41.
NEEDLES: Final = (*_CODES, b"donor_lymphocyte", b"\\u00")
"""No needle overlaps itself or another (a test says so), so that no match hides one."""
_CODE_NEEDLES = len(_CODES)

_ALPHANUMERIC = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_HEXADECIMAL = frozenset(b"0123456789ABCDEFabcdef")
_BLANK_ESCAPES = frozenset(b"tnrf")
_BACKSLASH = 0x5C

Hit = tuple[int, int, int]
"""(needle, start, stop) in the payload's buffer."""


class Needles:
    """Finds all needles in one pass."""

    def __init__(self) -> None:
        self._automaton = BytesAhoCorasick(NEEDLES, matchkind=MatchKind.LeftmostFirst)

    def find(self, payload: Payload) -> list[Hit]:
        """The hits that may make some record's value pass, ascending.

        Most codes inside longer numbers are dropped here: they are the usual false hit, about
        one a batch, and would cost a walk through the batch.
        """
        buffer, start, stop = payload
        matches = self._automaton.find_matches_as_indexes(memoryview(buffer)[start:stop])
        return [
            (needle, start + at, start + end)
            for needle, at, end in matches
            if needle >= _CODE_NEEDLES
            or _may_be_token(buffer, start + at, start + end, start, stop)
        ]


def is_match(buffer: bytes | bytearray, hit: Hit, start: int, stop: int) -> bool:
    """Whether a hit makes the value `buffer[start:stop]` one that may be in scope."""
    needle, at, end = hit
    if at < start or end > stop:
        return False
    return needle >= _CODE_NEEDLES or (
        (end == stop or buffer[end] not in _ALPHANUMERIC)
        and (
            at == start
            or buffer[at - 1] not in _ALPHANUMERIC
            or _is_escaped_blank(buffer, at, start)
        )
    )


def _is_escaped_blank(buffer: bytes | bytearray, at: int, start: int) -> bool:
    r"""Whether what stands right before `at` reads as an escape: \t, \n, \r, \f or \uXXXX."""
    if at - 2 >= start and buffer[at - 2] == _BACKSLASH and buffer[at - 1] in _BLANK_ESCAPES:
        return True
    return (
        at - 6 >= start
        and buffer[at - 6 : at - 4] == b"\\u"
        and all(byte in _HEXADECIMAL for byte in buffer[at - 4 : at])
    )


def _may_be_token(buffer: bytes | bytearray, at: int, end: int, start: int, stop: int) -> bool:
    """Whether a code may be a token of a value, whose edges are not known here.

    A letter or digit beside the code speaks against it, unless that byte is no text at all but
    belongs to the framing: the last byte of the value's length before, the first byte of the
    number of headers behind. True when in doubt.
    """
    return (
        end >= stop or buffer[end] not in _ALPHANUMERIC or _may_be_header_count(buffer, end, stop)
    ) and (
        at <= start
        or buffer[at - 1] not in _ALPHANUMERIC
        or _is_escaped_blank(buffer, at, start)
        or _may_be_value_length(buffer, at, start, stop)
    )


def _may_be_header_count(buffer: bytes | bytearray, at: int, stop: int) -> bool:
    """Whether a number of headers may stand at `at`: even (zigzag), an even key length behind."""
    if buffer[at] & 1:
        return False
    # A letter or digit as number of headers means at least 24 of them.
    return at + 1 < stop and not (buffer[at + 1] & 1)


def _may_be_value_length(buffer: bytes | bytearray, at: int, start: int, stop: int) -> bool:
    """Whether the byte before `at` may end the length of a value that starts at `at`."""
    if at - 2 < start or buffer[at - 2] >= 0x80:
        return True  # the first byte of a payload is none; a longer varint: leave it to the walk
    length = buffer[at - 1]
    behind = at + (length >> 1)
    # Behind the value stands the number of its headers; neither may be negative (zigzag: odd).
    return not length & 1 and behind < stop and not buffer[behind] & 1
