"""The reader of large frames gives what asyncio's own gives, however the bytes arrive."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.worker.scan.chunked_reader import ChunkedReader


class Transport:
    """Notes whether reading is paused."""

    def __init__(self) -> None:
        self.paused = False

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False


async def read_frames(reader: asyncio.StreamReader, sizes: list[int]) -> list[bytes]:
    return [await reader.readexactly(size) for size in sizes]


@given(
    frames=st.lists(st.integers(0, 3000), min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 900), min_size=1, max_size=40),
    adopt_after=st.integers(0, 10),
    limit=st.sampled_from([1, 64, 2**16]),
)
async def test_frames_are_whole_when_bytes_come_in_any_pieces(
    frames: list[int], cuts: list[int], adopt_after: int, limit: int
):
    """Adopted at any moment, before or in the middle of a frame."""
    sent = random.Random(1).randbytes(sum(frames))
    reader = asyncio.StreamReader(limit=limit)
    transport = Transport()
    reader.set_transport(transport)  # type: ignore[arg-type]
    reading = asyncio.ensure_future(read_frames(reader, frames))
    at = piece = 0
    while at < len(sent):
        await asyncio.sleep(0)
        if piece >= adopt_after:
            ChunkedReader.adopt(reader)
        if transport.paused:
            await asyncio.sleep(0)
            assert not transport.paused or reading.done(), "paused, though more is waited for"
        size = cuts[piece % len(cuts)]
        reader.feed_data(sent[at : at + size])
        at += size
        piece += 1
    received = await asyncio.wait_for(reading, 5)
    assert b"".join(received) == sent
    assert [len(frame) for frame in received] == frames


async def test_reading_is_paused_when_nobody_wants_what_has_come():
    reader, transport = asyncio.StreamReader(limit=10), Transport()
    reader.set_transport(transport)  # type: ignore[arg-type]
    ChunkedReader.adopt(reader)
    reader.feed_data(b"head")
    assert await reader.readexactly(4) == b"head"
    reader.feed_data(b"x" * 100)
    assert transport.paused
    assert await reader.readexactly(95) == b"x" * 95
    assert not transport.paused


async def test_incomplete_read_is_told_when_the_connection_ends():
    reader = asyncio.StreamReader()
    ChunkedReader.adopt(reader)
    reader.feed_data(b"abc")
    reader.feed_eof()
    assert not reader.at_eof()
    with pytest.raises(asyncio.IncompleteReadError) as told:
        await reader.readexactly(4)
    assert told.value.partial == b"abc"
    assert reader.at_eof()


async def test_waiting_ends_when_the_connection_breaks():
    reader = asyncio.StreamReader()
    ChunkedReader.adopt(reader)
    reading = asyncio.ensure_future(reader.readexactly(4))
    await asyncio.sleep(0)
    reader.set_exception(ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        await reading


async def test_reader_of_another_kind_is_left_alone():
    class Other(asyncio.StreamReader):
        pass

    assert ChunkedReader.adopt(Other()) is None
