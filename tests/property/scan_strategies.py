"""Values and partitions that try to get past the scan.

What a partition is made of is drawn by Hypothesis, piece by piece, and shrinks; what is in a
piece comes from a seed, which makes hundreds of partitions a second affordable.
"""

import json
import random
from typing import Any

from hypothesis import strategies as st

from tests.property.scan_batches import CODECS, LOG_APPEND_TIME, NO_TEXT, TRANSACTIONAL, Log, Rec

# Pieces of needles, whole needles, and the bytes that decide about their neighbourhood. The
# control bytes are what record framing looks like.
FRAGMENTS = [
    b"38242",
    b"38242",
    b"86999",
    b"donor_lymphocyte",
    b"\\u00",
    b"\\u2003",
    b"\\u3000",
    b"\\t",
    b"\\n",
    b"\\r",
    b"\\f",
    b"\\\\",
    b"\\",
    b"\\b",
    b"u00",
    b"382",
    b"42",
    b"8699",
    b"9",
    b"0",
    b"1",
    b"z",
    b"A",
    b'"',
    b" ",
    b",",
    b"{",
    b"_collection",
    "\u00e9".encode(),
    "\u2003".encode(),
    b"\0",
    b"\x02",
    b"\x80",
    b"\xff",
]
CODES = ["38242", "86999", "99213", "38241", "J9999", "1382425", "", 38242, 86999, 99213, None]
BLANKS = ["", " ", "\t", "\u2003", "\u3000", "\u00a0", "\n "]


def fragments(rng: random.Random) -> bytes:
    return b"".join(rng.choices(FRAGMENTS, k=rng.randrange(10)))


def event(rng: random.Random) -> dict[str, Any]:
    """An adjudication event, in scope or not, as loosely formed as `is_in_scope` reads it."""
    lines: Any = [
        {
            rng.choice(["procedure_code", "procedure_code", "code"]): _padded(rng),
            "charge_amount": rng.choice([1, 38242.5, 138242, 86999.25, "86999"]),
            "specified_as": rng.choice([None, None, None, " ", "donor_lymphocyte_collection"]),
        }
        for _ in range(rng.randrange(4))
    ]
    whole = {
        "claim_id": rng.choice(["c", "x38242", "86999-1", "\u00e9"]),
        "service_lines": rng.choice([lines, lines, lines[0] if lines else None]),
        "replaced_procedure_codes": rng.choice([None, [], ["38242"], ["x", "86999"]]),
        "note": "n" * rng.choice([0, 10, 900]),
    }
    return {key: whole[key] for key in rng.sample(list(whole), len(whole))}


def _padded(rng: random.Random) -> Any:
    code = rng.choice(CODES)
    if isinstance(code, str) and rng.random() < 0.3:
        return rng.choice(BLANKS) + code + rng.choice(BLANKS)
    return code


def spell(event: dict[str, Any], rng: random.Random) -> bytes:
    """One of the ways to write an event as JSON, framed the Confluent way or not."""
    text = json.dumps(
        event,
        ensure_ascii=rng.random() < 0.5,
        indent=rng.choice([None, None, 1, "\t"]),
        separators=rng.choice([(",", ":"), (" , ", " : "), None]),
    )
    if rng.random() < 0.4:
        text = _escaped(text, rng)
    frame = b"\0" + rng.randbytes(4) if rng.random() < 0.3 else b""
    return frame + text.encode()


def _escaped(text: str, rng: random.Random) -> str:
    """Any letter or digit inside quotes may be written as an escape."""
    parts = text.split('"')
    for index in range(1, len(parts), 2):
        if not parts[index].isascii() or "\\" in parts[index]:
            continue
        parts[index] = "".join(
            f"\\u{ord(sign):04{rng.choice('xX')}}" if rng.random() < 0.2 else sign
            for sign in parts[index]
        )
    return '"'.join(parts)


def value(rng: random.Random) -> bytes | None:
    kind = rng.randrange(10)
    if kind == 0:
        return None
    if kind < 3:
        return fragments(rng)
    if kind < 6:
        # Short values have lengths that are letters and digits as bytes.
        return fragments(rng) + b" " * rng.randrange(80) + fragments(rng)
    if kind < 8:
        return spell(event(rng), rng)
    return json.dumps({"claim_id": str(rng.randrange(10**9))}).encode() * rng.randrange(1, 30)


def record(rng: random.Random) -> Rec:
    # Two dozen headers and more have a number that is a letter or digit as a byte.
    headers = rng.choice([0, 0, 0, 1, 2, rng.randrange(24, 62)])
    names = ["", "k", "38242", *([NO_TEXT] if rng.random() < 0.2 else [])]
    return Rec(
        value=value(rng),
        key=rng.choice([None, fragments(rng)]),
        headers=tuple(
            (rng.choice(names), rng.choice([None, b"v", fragments(rng)])) for _ in range(headers)
        ),
        gap=rng.choice([0, 0, 0, 0, 0, 1, 200]),
        delay=rng.choice([0, 1, 70, 10**6]),
    )


PIECES = ["plain", "plain", "append-time", "committed", "aborted", "emptied", "legacy"]


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """A partition of up to eight pieces: batches, transactions, old formats, compacted gaps."""
    log = Log(next_offset=draw(st.sampled_from([0, 1, 2**40])))
    pieces = st.tuples(st.sampled_from(PIECES), st.integers(0, 2**32))
    for kind, seed in draw(st.lists(pieces, min_size=1, max_size=8)):
        _append(log, kind, random.Random(seed))
    return log


def _append(log: Log, kind: str, rng: random.Random) -> None:
    records = [record(rng) for _ in range(rng.randrange(1, 7))]
    codec = rng.choice(list(CODECS.values()))
    if kind == "legacy":
        # v0 and v1 know no zstd, and the lz4 of v0 is framed in a broken way of its own.
        values = [one.value for one in records]
        log.append_legacy(values, magic=rng.randrange(2), codec=rng.choice([0, 1, 2]))
    elif kind in {"committed", "aborted"}:
        _append_transaction(log, records, codec, rng, is_aborted=kind == "aborted")
    elif kind == "emptied":
        log.append([], tail_gap=3)  # all compacted away, the batch kept
    else:
        attributes = LOG_APPEND_TIME if kind == "append-time" else 0
        log.append(records, codec=codec, attributes=attributes, tail_gap=rng.choice([0, 0, 2]))


def _append_transaction(
    log: Log, records: list[Rec], codec: int, rng: random.Random, *, is_aborted: bool
) -> None:
    producer = rng.randrange(1, 4)
    first = log.next_offset
    for _ in range(rng.randrange(1, 3)):
        offsets = log.append(records, codec=codec, attributes=TRANSACTIONAL, producer_id=producer)
        # What is in no transaction, or another producer's, is not aborted with it.
        log.append(records[:1], codec=codec, producer_id=producer + rng.choice([0, 10]))
        if is_aborted:
            log.aborted_offsets.update(offsets)
    if is_aborted:
        log.aborted.append((producer, first, log.next_offset))
    log.append_marker(producer, abort=is_aborted)
