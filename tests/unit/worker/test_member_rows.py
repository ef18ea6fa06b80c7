"""What a batch changes, the rest of it sees at once; the tables see it at the end, or never."""

from typing import Any

from stream_app.domain.history import HistoryEvent, Transplant
from stream_app.domain.instant import Instant
from stream_app.pipeline.enrich import MemberHistory
from stream_app.worker.ledger import PartitionLedger
from stream_app.worker.members import Members

ROOM = 1_000_000


class FakeTable:
    """A table in memory that remembers what was asked of it."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, bytes], bytes] = {}
        self.reads: list[bytes] = []
        self.writes: list[dict[bytes, bytes | None]] = []

    def read(self, partition: int, key: bytes) -> bytes | None:
        self.reads.append(key)
        return self.rows.get((partition, key))

    async def write(
        self, partition: int, rows: dict[bytes, bytes | None], outbox: object, span: object
    ) -> None:
        self.writes.append(dict(rows))
        for key, value in rows.items():
            if value is None:
                self.rows.pop((partition, key), None)
            else:
                self.rows[partition, key] = value


class Batch:
    """Members as one batch of partition 3 sees them."""

    def __init__(self, history: FakeTable | None = None) -> None:
        self.history, self.claims = history or FakeTable(), FakeTable()
        tables: Any = self.history, self.claims
        self.members = Members(*tables, 3)

    async def end(self) -> None:
        outbox: Any = None
        await self.members.write(outbox, PartitionLedger(0).read(0, 1), ROOM)


def history(event_id: str = "e") -> MemberHistory:
    row = MemberHistory()
    event = HistoryEvent(event_id, Instant(1, 0), "m", "t", Transplant("t"))
    row.apply(event)
    return row


async def test_row_is_read_once_and_shared_when_asked_for_again() -> None:
    table = FakeTable()
    table.rows[3, b"m"] = history().to_bytes()
    batch = Batch(table)
    assert batch.members.history["m"] is batch.members.history["m"]
    assert batch.members.history.known("m") is batch.members.history["m"]
    assert table.reads == [b"m"]


async def test_row_of_another_partition_is_not_seen_when_keys_are_equal() -> None:
    table = FakeTable()
    table.rows[4, b"m"] = history().to_bytes()
    assert Batch(table).members.history.known("m") is None


async def test_change_is_seen_at_once_and_stored_only_at_the_end() -> None:
    batch = Batch()
    batch.members.history.put("m", history())
    seen = batch.members.history.known("m")
    assert seen is not None
    assert seen.on_file() == (Transplant("t"),)
    assert batch.history.writes == []
    await batch.end()
    stored = MemberHistory.from_bytes(batch.history.rows[3, b"m"])
    assert stored.on_file() == (Transplant("t"),)


async def test_nothing_is_stored_when_a_row_was_only_looked_at() -> None:
    table = FakeTable()
    table.rows[3, b"m"] = history().to_bytes()
    batch = Batch(table)
    assert batch.members.history.known("m")
    assert batch.members.history["new"].on_file() == ()
    await batch.end()
    assert all(rows == {} for rows in table.writes)


async def test_row_is_gone_for_the_rest_of_the_batch_when_erased() -> None:
    table = FakeTable()
    table.rows[3, b"m"] = history().to_bytes()
    batch = Batch(table)
    batch.members.history.erase("m")
    assert batch.members.history.known("m") is None
    assert batch.members.history["m"].on_file() == ()
    await batch.end()
    assert table.writes[-1] == {b"m": None}
    assert table.rows == {}


async def test_row_is_stored_when_something_was_heard_after_its_erasure() -> None:
    table = FakeTable()
    table.rows[3, b"m"] = history("old").to_bytes()
    batch = Batch(table)
    batch.members.history.erase("m")
    batch.members.history.put("m", history("new"))
    await batch.end()
    stored = MemberHistory.from_bytes(table.rows[3, b"m"])
    assert stored.event_ids() == (("t", "new"),)
