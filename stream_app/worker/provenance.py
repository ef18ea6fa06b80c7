"""Where an in-scope record comes from: the place of the claim event it is a copy of."""

from stream_app.pipeline.handover import HEADER as REPLAY_HEADER
from stream_app.pipeline.remember import Source
from stream_app.worker.batch import Batch, Headers, Record

SOURCE_HEADER = "cg_trans_03.source"
_OURS = frozenset((SOURCE_HEADER, REPLAY_HEADER))


def headers_of_copy(batch: Batch, record: Record) -> list[tuple[str, bytes | None]]:
    """The headers of an in-scope copy: the original's, and its place as topic:partition:offset.

    Whoever writes to the platform's topics has no say in where a claim comes from, or in what was
    decided of it before: headers of those names are left out.
    """
    place = f"{batch.topic}:{batch.partition}:{record.offset}".encode()
    return [*without_ours(record.headers), (SOURCE_HEADER, place)]


def without_ours(headers: Headers) -> list[tuple[str, bytes | None]]:
    """Headers without those that only this service may set."""
    return [each for each in headers if each[0] not in _OURS]


def source_of(batch: Batch, record: Record) -> Source:
    """The original's place, or the record's own where it is no copy of ours."""
    for name, value in reversed(record.headers):
        if name == SOURCE_HEADER and value is not None:
            topic, partition, offset = value.decode().rsplit(":", 2)
            return Source(topic, int(partition), int(offset))
    return Source(batch.topic, batch.partition, record.offset)


def header(record: Record, name: str) -> bytes | None:
    """The last value of a header, or None."""
    for key, value in reversed(record.headers):
        if key == name:
            return value
    return None
