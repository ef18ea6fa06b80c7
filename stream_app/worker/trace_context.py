"""The W3C trace that a record belongs to, by its `traceparent` header."""

from stream_app.pipeline.encode import is_traceparent
from stream_app.worker.batch import Record
from stream_app.worker.provenance import header


def traceparent_of(record: Record) -> str | None:
    """The header as it came, or None where there is none or it is no traceparent."""
    found = header(record, "traceparent")
    return found.decode("ascii") if found is not None and is_traceparent(found) else None


def trace_id_of(record: Record) -> str | None:
    """The trace's id, as logs and traces name it."""
    found = traceparent_of(record)
    return None if found is None else found.split("-")[1]


def exemplar_of(traceparent: str | None) -> dict[str, str] | None:
    """What leads from a histogram to a trace; None where the trace is not recorded anywhere."""
    if traceparent is None:
        return None
    _, trace_id, _, flags = traceparent.split("-")[:4]
    return {"trace_id": trace_id} if int(flags, 16) & 1 else None
