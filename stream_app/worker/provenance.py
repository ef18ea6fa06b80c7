"""Where an in-scope record comes from: the place of the claim event it is a copy of."""

from typing import TypedDict

from stream_app.worker.batch import Batch, Record

_HEADER = "cg_trans_03.source"


class Place(TypedDict):
    """A record's place in Kafka, as decision events carry it."""

    topic: str
    partition: int
    offset: int


def provenance_header(batch: Batch, record: Record) -> tuple[str, bytes]:
    """The header that an in-scope copy carries: topic:partition:offset."""
    return _HEADER, f"{batch.topic}:{batch.partition}:{record.offset}".encode()


def source_of(batch: Batch, record: Record) -> Place:
    """The original's place, or the record's own where it is no copy of ours."""
    for name, value in reversed(record.headers):
        if name == _HEADER and value is not None:
            topic, partition, offset = value.decode().rsplit(":", 2)
            return {"topic": topic, "partition": int(partition), "offset": int(offset)}
    return {"topic": batch.topic, "partition": batch.partition, "offset": record.offset}


def header(record: Record, name: str) -> bytes | None:
    """The last value of a header, or None."""
    for key, value in reversed(record.headers):
        if key == name:
            return value
    return None
