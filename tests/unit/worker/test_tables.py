"""Rows reach the changelog first, and the local store only with the broker's word."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from stream_app.worker.ledger import PartitionLedger
from stream_app.worker.tables import MemberTable


class FakeOutbox:
    def __init__(self, acknowledgement: Any = None) -> None:
        self.sent: list[tuple[str, bytes, bytes | None, int]] = []
        self.acknowledgement = acknowledgement

    async def send(self, topic: str, *, key: bytes, value: bytes | None, partition: int) -> None:
        self.sent.append((topic, key, value, partition))

    async def acknowledged(self) -> list[tuple[str, int, int]]:
        if self.acknowledgement is not None:
            await self.acknowledgement()
        return [("log", 3, 40), ("log", 3, 41)]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = SimpleNamespace(data={}, _key_partition={})
    monkeypatch.setattr(MemberTable, "data", found, raising=False)
    monkeypatch.setattr(
        MemberTable, "changelog_topic", SimpleNamespace(get_topic_name=lambda: "log")
    )
    return MemberTable.__new__(MemberTable)


async def test_rows_are_kept_with_their_partition_when_the_broker_has_them(table: Any) -> None:
    outbox, span = FakeOutbox(), PartitionLedger(0).read(0, 1)
    await table.write(3, {b"m": b"row", b"gone": None}, outbox, span)
    assert outbox.sent == [("log", b"m", b"row", 3), ("log", b"gone", None, 3)]
    assert table.data.data == {b"m": b"row"}
    assert table.data._key_partition == {b"m": 3}
    await table.write(3, {b"m": None}, outbox, span)
    assert table.data.data == table.data._key_partition == {}


async def test_nothing_is_kept_when_the_broker_refuses(table: Any) -> None:
    async def refuse() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await table.write(3, {b"m": b"row"}, FakeOutbox(refuse), PartitionLedger(0).read(0, 1))
    assert table.data.data == {}


async def test_nothing_is_kept_when_the_partition_is_lost_while_waiting(table: Any) -> None:
    ledger = PartitionLedger(0)

    async def revoke() -> None:
        await asyncio.sleep(0)
        ledger.alive = False

    await table.write(3, {b"m": b"row"}, FakeOutbox(revoke), ledger.read(0, 1))
    assert table.data.data == {}


async def test_changelog_is_left_alone_when_the_partition_was_lost_before(table: Any) -> None:
    """Its new owner has read the changelog by now: a late row would undo what it wrote since."""
    ledger, outbox = PartitionLedger(0), FakeOutbox()
    span = ledger.read(0, 1)
    ledger.alive = False
    await table.write(3, {b"m": b"row"}, outbox, span)
    assert outbox.sent == []


async def test_rows_are_rebuilt_in_order_when_the_changelog_is_read(table: Any) -> None:
    def changes(*rows: tuple[bytes | None, bytes | None]) -> Any:
        records = [SimpleNamespace(key=key, value=value) for key, value in rows]
        return SimpleNamespace(
            value=SimpleNamespace(partition=3, records=records),
            message=SimpleNamespace(tp=TP("log", 3), offset=9),
        )

    table.apply_changelog_batch(
        [
            changes((b"a", b"1"), (b"b", b"1"), (b"a", b"2")),
            changes((b"b", None), (None, b"noise"), (b"c", b"3")),
        ]
    )
    assert table.data.data == {b"a": b"2", b"c": b"3"}
    assert table.data._key_partition == {b"a": 3, b"c": 3}
