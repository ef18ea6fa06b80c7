"""In which order rows are stored, and what becomes of one that is too long."""

from typing import Any

from stream_app.domain.claim import Claim
from stream_app.domain.history import HistoryEvent, Transplant
from stream_app.domain.instant import Instant
from stream_app.pipeline.remember import MemberClaims, RememberedClaim, Source
from stream_app.worker.members import Members


class Table:
    def __init__(self, name: str, written: list[tuple[str, dict[bytes, bytes | None]]]) -> None:
        self.name, self.written = name, written

    def read(self, partition: int, key: bytes) -> bytes | None:
        return None

    async def write(self, partition: int, rows: dict[bytes, bytes | None], *_: Any) -> None:
        self.written.append((self.name, rows))


def remember(members: Members, *claim_ids: str) -> None:
    row = members.claims["M"]
    for minute, claim_id in enumerate(claim_ids):
        claim = Claim("e", Instant(minute, 0), claim_id, "M", ())
        row.remember(RememberedClaim(claim, Source("t", 0, 0)))
    members.claims.put("M", row)


async def test_claims_are_stored_before_the_history_that_they_were_decided_by() -> None:
    """The other way round, a crash in between would leave claims that nothing decides again."""
    written: list[tuple[str, dict[bytes, bytes | None]]] = []
    members = Members(Table("history", written), Table("claims", written), 0)
    history = members.history["M"]
    history.apply(HistoryEvent("h", Instant(0, 0), "M", "T", Transplant("T")))
    members.history.put("M", history)
    remember(members, "C")
    assert await members.write(None, None, 10_000) == 0
    assert [(name, list(rows)) for name, rows in written] == [
        ("claims", [b"M"]),
        ("history", [b"M"]),
    ]


async def test_oldest_claims_are_forgotten_and_counted_when_their_row_is_too_long() -> None:
    written: list[tuple[str, dict[bytes, bytes | None]]] = []
    members = Members(Table("history", written), Table("claims", written), 0)
    remember(members, *"abcdef")
    assert await members.write(None, None, 400) > 0
    row = written[0][1][b"M"]
    assert row is not None
    assert len(row) <= 400
    assert MemberClaims.from_bytes(row).all()[-1].claim.claim_id == "f"
