"""The rows of the members that one batch touches: read once, changed in memory, written at the end.

What a batch changes is seen by the rest of the batch at once, and by the tables only when the
broker has acknowledged the decisions that rest on it.
"""

from typing import Generic, Protocol, Self, TypeVar

from stream_app.pipeline.enrich import MemberHistory
from stream_app.pipeline.remember import MemberClaims
from stream_app.worker.ledger import Span
from stream_app.worker.outbox import Outbox
from stream_app.worker.tables import MemberTable


class _Row(Protocol):
    def to_bytes(self) -> bytes: ...

    def shrink(self, max_bytes: int) -> int: ...

    @classmethod
    def from_bytes(cls, row: bytes) -> Self: ...


R = TypeVar("R", bound=_Row)


class _Rows(Generic[R]):
    """The rows of one table that a batch has touched."""

    def __init__(self, table: MemberTable, partition: int, new: type[R]) -> None:
        self._table = table
        self._partition = partition
        self._new = new
        self._rows: dict[str, R] = {}
        self._changed: set[str] = set()
        self._erased: set[str] = set()

    def __getitem__(self, member_id: str) -> R:
        row = self._rows.get(member_id)
        if row is None:
            row = self._rows[member_id] = self.known(member_id) or self._new()
        return row

    def known(self, member_id: str) -> R | None:
        """The row as it stands, or None where there is none."""
        row = self._rows.get(member_id)
        if row is not None or member_id in self._erased:
            return row
        stored = self._table.read(self._partition, member_id.encode())
        if stored is None:
            return None
        row = self._rows[member_id] = self._new.from_bytes(stored)
        return row

    def put(self, member_id: str, row: R) -> None:
        """The member's row is to be written."""
        self._rows[member_id] = row
        self._changed.add(member_id)
        self._erased.discard(member_id)

    def erase(self, member_id: str) -> None:
        """The member's row is to be deleted."""
        self._rows.pop(member_id, None)
        self._changed.add(member_id)
        self._erased.add(member_id)

    async def write(self, outbox: Outbox, span: Span, max_bytes: int) -> int:
        """Write what changed, each row no longer than that; how many claims that forgot."""
        forgotten = 0
        rows: dict[bytes, bytes | None] = {}
        for member_id in sorted(self._changed):
            value = None
            if member_id not in self._erased:
                row = self._rows[member_id]
                value = row.to_bytes()
                if len(value) > max_bytes:
                    forgotten += row.shrink(max_bytes)
                    value = row.to_bytes()
            rows[member_id.encode()] = value
        await self._table.write(self._partition, rows, outbox, span)
        return forgotten


class Members:
    """Both tables, as one batch sees them."""

    def __init__(self, history: MemberTable, claims: MemberTable, partition: int) -> None:
        self.history: _Rows[MemberHistory] = _Rows(history, partition, MemberHistory)
        self.claims: _Rows[MemberClaims] = _Rows(claims, partition, MemberClaims)

    async def write(self, outbox: Outbox, span: Span, max_bytes: int) -> int:
        """Write what changed. Call it when the decisions that rest on it are acknowledged.

        Claims first: a history that is stored is a history that its claims were decided by. A
        crash in between leaves the history event to be read, and its claims decided, once more.

        Returns:
            How many remembered claims were dropped because a row was too long.
        """
        forgotten = await self.claims.write(outbox, span, max_bytes)
        await self.history.write(outbox, span, max_bytes)
        return forgotten
