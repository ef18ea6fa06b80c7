"""Reading the core topic record by record: every claim is looked at, none is parsed."""

from collections.abc import Sequence
from typing import Any

from faust.types import TP

from stream_app import metrics
from stream_app.pipeline.scope import may_be_in_scope
from stream_app.worker.batch import Record


def read_in_scope(tp: TP, result: Any) -> tuple[Sequence[Record], int]:
    """Hand out the records that may be in scope; count all."""
    records = result.getall()
    kept = []
    size = 0
    for record in records:
        value = record.value
        if value is None:
            continue
        size += len(value)
        if may_be_in_scope(value):
            kept.append(record)
    metrics.RECORDS_READ.labels(tp.topic, tp.partition).inc(len(records))
    metrics.BYTES_READ.labels(tp.topic, tp.partition).inc(size)
    metrics.CLAIMS_SKIPPED.labels(tp.partition).inc(len(records) - len(kept))
    return kept, sum(len(record.value) for record in kept)
