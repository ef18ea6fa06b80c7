"""What the worker's agents receive: a batch of records of one partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stream_app.worker.ledger import JoinedSpan, Span

MAX_RECORDS = 1_000
"""What is worked on in one go, and what a rebalance or a stop waits for, at the most."""

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """One Kafka record as aiokafka delivers it; keys and values are raw bytes."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition that were read in one go, and the range they come from.

    The range may be longer than the records: skipped ones, control batches and compacted gaps
    are in it, too.
    """

    topic: str
    partition: int
    span: Span
    records: Sequence[Record]
    is_behind: bool = False
    """Read out of a backlog: more is right behind it, and it has waited longer than it will yet."""

    @classmethod
    def joined(cls, batches: Sequence["Batch"]) -> "Batch":
        """Batches of one partition, one behind the other, as one."""
        first = batches[0]
        if len(batches) == 1:
            return first
        return cls(
            first.topic,
            first.partition,
            JoinedSpan([batch.span for batch in batches]),
            [record for batch in batches for record in batch.records],
        )


@dataclass(frozen=True, slots=True)
class ChangelogBatch:
    """Records of one changelog partition: what a table is rebuilt from. Not in the ledger."""

    topic: str
    partition: int
    records: Sequence[Record]
