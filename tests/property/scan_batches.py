"""Record batches by hand: every kind that a partition may hold, and what a reader must see."""

import struct
from dataclasses import dataclass, field

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from stream_app.worker.scan.fetched import Fetched, end_offset

TOPIC = "claims"
PARTITION = 3
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20
FIRST_TIMESTAMP = 1_700_000_000_000
_HEADER = struct.Struct(">qiibIhiqqqhii")
NO_TEXT = "\ue000"
"""Stands for a header's name that is no UTF-8; written into batches that are not compressed."""
_NO_TEXT_BYTES = b"\xff\xfe\xfd"
APPEND_TIMESTAMP = FIRST_TIMESTAMP + 999_999


@dataclass(frozen=True)
class Rec:
    """One record to write; `gap` offsets before it were compacted away."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    gap: int = 0
    delay: int = 0


@dataclass(frozen=True)
class Seen:
    """A record as a consumer must see it."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass
class Log:
    """A partition, written batch by batch."""

    data: bytes = b""
    next_offset: int = 0
    seen: list[Seen] = field(default_factory=list)
    """All records with data, aborted ones included."""
    aborted_offsets: set[int] = field(default_factory=set)
    aborted: list[tuple[int, int, int]] = field(default_factory=list)
    """(producer, first offset, offset of the marker) of each aborted transaction."""
    starts: list[tuple[int, int]] = field(default_factory=list)
    """(offset, position in data) of each batch."""

    def append(
        self,
        records: list[Rec],
        *,
        codec: int = 0,
        attributes: int = 0,
        tail_gap: int = 0,
        producer_id: int = -1,
    ) -> list[int]:
        """Write a v2 batch; returns the offsets of its records."""
        batch, seen = v2_batch(
            records,
            self.next_offset,
            codec=codec,
            attributes=attributes,
            tail_gap=tail_gap,
            producer_id=producer_id,
        )
        self.starts.append((self.next_offset, len(self.data)))
        self.data += batch
        self.next_offset = end_offset(self.data, self.next_offset)
        if not attributes & CONTROL:
            self.seen += seen
        return [one.offset for one in seen]

    def append_marker(self, producer_id: int, *, abort: bool) -> None:
        """Write the marker that ends a transaction."""
        key = struct.pack(">HH", 0, 0 if abort else 1)
        self.append(
            [Rec(b"\0\0\0\0\0\x26", key)],
            attributes=CONTROL | TRANSACTIONAL,
            producer_id=producer_id,
        )

    def append_legacy(self, values: list[bytes | None], *, magic: int, codec: int = 0) -> None:
        """Write messages of format v0 or v1, one by one or, compressed, in a wrapper."""
        if codec:
            self.starts.append((self.next_offset, len(self.data)))
            self.data += legacy_batch(values, self.next_offset, magic=magic, codec=codec)
        else:
            for index, value in enumerate(values):
                self.starts.append((self.next_offset + index, len(self.data)))
                self.data += legacy_batch(
                    [value], self.next_offset + index, magic=magic, delay=index
                )
        for index, value in enumerate(values):
            self.seen.append(
                Seen(
                    self.next_offset + index,
                    FIRST_TIMESTAMP + index if magic else None,  # type: ignore[arg-type]
                    0 if magic else None,  # type: ignore[arg-type]
                    b"k",
                    value,
                    (),
                )
            )
        self.next_offset += len(values)

    def fetch(
        self, position: int = 0, *, read_committed: bool = False, check_crcs: bool = True
    ) -> Fetched:
        """What a broker answers to a fetch at `position`: from the batch that holds it on."""
        at = max((at for offset, at in self.starts if offset <= position), default=0)
        # Only transactions that reach into the range, as a broker names them.
        aborted = [(producer, first) for producer, first, end in self.aborted if end >= position]
        return fetched(
            self.data[at:],
            position,
            aborted=tuple(aborted) if read_committed else (),
            read_committed=read_committed,
            check_crcs=check_crcs,
        )

    def visible(self, position: int = 0, *, read_committed: bool = False) -> list[Seen]:
        """The records that a consumer at `position` must be told of."""
        return [
            one
            for one in self.seen
            if one.offset >= position
            and not (read_committed and one.offset in self.aborted_offsets)
        ]


def fetched(data: bytes, position: int = 0, **options: object) -> Fetched:
    """Bytes as a fetch response would carry them."""
    return Fetched(TOPIC, PARTITION, position, end_offset(data, position), data, **options)  # type: ignore[arg-type]


def v2_batch(
    records: list[Rec],
    base_offset: int,
    *,
    codec: int = 0,
    attributes: int = 0,
    tail_gap: int = 0,
    producer_id: int = -1,
) -> tuple[bytes, list[Seen]]:
    """A batch by aiokafka's own builder, with the header fields that only a broker writes.

    Without records (all were compacted away) a batch is its header; the builder makes no such.
    """
    if not records:
        return seal(
            bytearray(_HEADER.pack(0, 49, -1, 2, 0, 0, tail_gap, 0, 0, -1, 0, 0, 0)), base_offset
        ), []
    builder = DefaultRecordBatchBuilder(2, codec, 0, producer_id, 0, 0, 1 << 30)
    seen = []
    delta = -1
    for record in records:
        delta += 1 + record.gap
        timestamp = FIRST_TIMESTAMP + record.delay
        builder.append(delta, timestamp, record.key, record.value, list(record.headers))
        seen.append(
            Seen(
                base_offset + delta,
                APPEND_TIMESTAMP if attributes & LOG_APPEND_TIME else timestamp,
                int(bool(attributes & LOG_APPEND_TIME)),
                record.key,
                record.value,
                record.headers if codec else tuple((_read(n), text) for n, text in record.headers),
            )
        )
    batch = bytearray(builder.build())
    if not codec:
        batch = batch.replace(NO_TEXT.encode(), _NO_TEXT_BYTES)
    (written,) = struct.unpack_from(">h", batch, 21)
    struct.pack_into(">h", batch, 21, written | attributes)
    struct.pack_into(">i", batch, 23, delta + tail_gap)
    if attributes & LOG_APPEND_TIME:
        struct.pack_into(">q", batch, 35, APPEND_TIMESTAMP)
    return seal(batch, base_offset), seen


def _read(name: str) -> str:
    return name.replace(NO_TEXT, _NO_TEXT_BYTES.decode(errors="replace"))


def seal(batch: bytearray, base_offset: int) -> bytes:
    """Give a v2 batch its offset and a checksum that fits."""
    struct.pack_into(">q", batch, 0, base_offset)
    struct.pack_into(">I", batch, 17, calc_crc32c(bytes(batch[21:])))
    return bytes(batch)


def legacy_batch(
    values: list[bytes | None], base_offset: int, *, magic: int, codec: int = 0, delay: int = 0
) -> bytes:
    """Messages of format v0 or v1 (no broker of today writes them any more)."""
    builder = LegacyRecordBatchBuilder(magic, codec, 1 << 30)
    # Relative offsets inside a v1 wrapper, absolute ones everywhere else.
    first = 0 if codec and magic == 1 else base_offset
    for index, value in enumerate(values):
        builder.append(first + index, FIRST_TIMESTAMP + delay + index, b"k", value)
    batch = bytearray(builder.build())
    if codec:
        struct.pack_into(">q", batch, 0, base_offset + len(values) - 1)
    return bytes(batch)
