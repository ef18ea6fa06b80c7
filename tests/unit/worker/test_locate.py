"""Records are found by their lengths alone: the same as walking over each of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.worker.scan.record_batch import Payload, UnreadableError, locate, walk

# Lengths take one byte below 64, two below 8,192, three from there on.
SIZES = st.sampled_from([0, 1, 63, 64, 65, 100, 910, 8191, 8192, 9000])


def varint(number: int) -> bytes:
    value, out = number << 1 if number >= 0 else (-number << 1) - 1, b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def payload_of(sizes: list[int], *, before: int = 3, behind: int = 5) -> Payload:
    """Records of these sizes, somewhere in memory that holds other things, too."""
    records = b"".join(varint(size) + b"\x80" * size for size in sizes)
    return Payload(b"\x7f" * before + records + b"\xff" * behind, before, before + len(records))


@given(st.lists(SIZES, min_size=1, max_size=8), st.data())
def test_records_are_those_of_a_walk_when_positions_lead_to_them(sizes, data) -> None:
    payload = payload_of(sizes)
    positions = st.integers(payload.start, payload.stop - 1)
    hits = sorted(data.draw(st.lists(positions, max_size=6)))
    walked, at, holding = list(walk(payload, len(sizes))), payload.start, []
    for start, stop in walked:
        if any(at <= hit < stop for hit in hits):
            holding.append((start, stop))
        at = stop
    assert locate(payload, len(sizes), hits) == holding


@given(st.lists(SIZES, min_size=2, max_size=8))
def test_nothing_is_found_when_a_position_lies_behind_the_last_record(sizes) -> None:
    payload = payload_of(sizes)
    with pytest.raises(UnreadableError):
        locate(payload, len(sizes) - 1, [payload.stop - 1])


@pytest.mark.parametrize("length", [varint(-1), varint(-70), varint(100), varint(9_000)])
def test_nothing_is_found_when_a_length_leads_nowhere(length: bytes) -> None:
    records = length + b"\x80" * 80
    with pytest.raises(UnreadableError):
        locate(Payload(records + b"\x80" * 9_999, 0, len(records)), 1, [40])
