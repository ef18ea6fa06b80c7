"""One span per in-scope claim and hop, from the batch's begin to the broker's acknowledgement.

The decision carries the claim's `traceparent` on as it came: consumers and both hops see one trace,
whether spans are sent or not.
"""

import time
from collections.abc import Iterable
from typing import Protocol

from stream_app.pipeline.adjudication import Told
from stream_app.tracing import Attributes, Tracer
from stream_app.worker.batch import Batch, Record
from stream_app.worker.trace_context import traceparent_of

_Place = tuple[str, int, int]


class Spans(Protocol):
    """What became of the claims of one batch."""

    def forwarded(self, batch: Batch, record: Record) -> None:
        """A claim is in scope and goes to its member's partition."""

    def silent(self, batch: Batch, record: Record, why: str) -> None:
        """A claim gets no decision."""

    def told(self, told: Iterable[Told]) -> None:
        """Decisions, and drift, of claims that came now or earlier."""

    def end(self) -> None:
        """All of it is acknowledged."""


class _NoSpans:
    def forwarded(self, batch: Batch, record: Record) -> None: ...

    def silent(self, batch: Batch, record: Record, why: str) -> None: ...

    def told(self, told: Iterable[Told]) -> None: ...

    def end(self) -> None: ...


_NO_SPANS = _NoSpans()


class _Spans:
    def __init__(self, tracer: Tracer, hop: str) -> None:
        self._tracer, self._name = tracer, f"cg-trans-03 {hop}"
        self._begun = time.time_ns()
        self._found: list[tuple[str | None, Attributes]] = []

    def forwarded(self, batch: Batch, record: Record) -> None:
        self._of(batch, record, "in_scope")

    def silent(self, batch: Batch, record: Record, why: str) -> None:
        self._of(batch, record, why)

    def told(self, told: Iterable[Told]) -> None:
        for each in told:
            decision, source = each.decision, each.source
            codes = (reason.code for line in decision.lines for reason in line.reasons)
            versions = (line.policy_version or "none" for line in decision.lines)
            outcome = decision.decision.value
            attributes = _attributes(
                (source.topic, source.partition, source.offset),
                outcome if each.approval is None else f"drift to {outcome}",
            ) | {
                "cg_trans_03.decision_id": decision.decision_id,
                "cg_trans_03.policy_versions": tuple(dict.fromkeys(versions)),
                "cg_trans_03.reasons": tuple(dict.fromkeys(codes)),
                "cg_trans_03.trigger": each.trigger.value,
            }
            self._found.append((each.traceparent, attributes))

    def end(self) -> None:
        ended = time.time_ns()
        for traceparent, attributes in self._found:
            self._tracer.span(self._name, traceparent, self._begun, ended, attributes)

    def _of(self, batch: Batch, record: Record, outcome: str) -> None:
        place = batch.topic, batch.partition, record.offset
        self._found.append((traceparent_of(record), _attributes(place, outcome)))


def _attributes(place: _Place, outcome: str) -> dict[str, str | int | tuple[str, ...]]:
    topic, partition, offset = place
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.kafka.offset": offset,
        "cg_trans_03.outcome": outcome,
    }


def new_spans(tracer: Tracer | None, hop: str) -> Spans:
    """For one batch, at its begin; what takes no spans costs nothing."""
    return _NO_SPANS if tracer is None else _Spans(tracer, hop)
