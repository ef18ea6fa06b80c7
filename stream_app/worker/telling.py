"""From what is to be told to records on their topics, and to numbers once they are acknowledged."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from stream_app import metrics
from stream_app.domain.decision import Outcome, Trigger
from stream_app.pipeline.adjudication import Told
from stream_app.pipeline.encode import (
    decision_headers,
    drift_headers,
    encode_decision,
    encode_drift,
)
from stream_app.settings import Settings
from stream_app.worker.outbox import Outbox
from stream_app.worker.trace_context import exemplar_of

Arrived = tuple[int, str | None]
"""Of a claim: its record's timestamp (ms since the epoch), and its traceparent."""

# Finding a metric's child takes longer than counting with it; there are a few dozen at most.
_decisions = cache(metrics.DECISIONS.labels)
_reasons = cache(metrics.REASONS.labels)
_drift = cache(metrics.HISTORY_DRIFT.labels)


class Telling:
    """Sends decisions to their outcome's topic, drift to its own; or all to the shadow topic."""

    def __init__(self, settings: Settings) -> None:
        shadow = settings.shadow_topic if settings.shadow else None
        self._drift_topic = shadow or settings.history_drift_topic
        self._topics = {
            Outcome.APPROVE: shadow or settings.approve_topic,
            Outcome.DENY: shadow or settings.deny_topic,
            Outcome.PEND: shadow or settings.pend_topic,
        }
        metrics.SHADOW.set(settings.shadow)

    async def tell(self, told: Told, outbox: Outbox, evaluated_at: str) -> None:
        """Send one event; it is told once the outbox is acknowledged."""
        decision = told.decision
        source = told.source
        place = {
            "topic": source.topic,
            "partition": source.partition,
            "offset": source.offset,
        }
        trace = None if told.traceparent is None else told.traceparent.encode("ascii")
        if told.approval is None:
            topic = self._topics[decision.decision]
            value = encode_decision(
                decision,
                trigger=told.trigger,
                supersedes=told.supersedes,
                replay_id=told.replay_id,
                source=place,
                evaluated_at=evaluated_at,
            )
            headers = decision_headers(
                decision.decision_id, evaluated_at, decision.decision, trace, told.causation_id
            )
        else:
            topic = self._drift_topic
            value = encode_drift(
                told.approval,
                decision,
                trigger=told.trigger,
                replay_id=told.replay_id,
                source=place,
                evaluated_at=evaluated_at,
            )
            headers = drift_headers(told.approval, decision, evaluated_at, trace, told.causation_id)
        await outbox.send(topic, key=decision.claim_id.encode(), value=value, headers=headers)


def count(told: Iterable[Told], arrived: Sequence[Arrived], now: float) -> None:
    """Count what was acknowledged.

    Args:
        told: what was told.
        arrived: the claims that were decided as they came.
        now: seconds since the epoch.
    """
    decisions: Counter[tuple[Outcome, Trigger]] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    drift: Counter[Outcome] = Counter()
    for each in told:
        decision = each.decision
        if each.approval is not None:
            drift[decision.decision] += 1
            continue
        decisions[decision.decision, each.trigger] += 1
        for line in decision.lines:
            reasons[line.reasons[0].code, line.policy_version or "none"] += 1
    for (outcome, trigger), number in decisions.items():
        _decisions(outcome.value, trigger.value).inc(number)
    for labels, number in reasons.items():
        _reasons(*labels).inc(number)
    for outcome, number in drift.items():
        _drift(outcome.value).inc(number)
    _observe_latency(arrived, now)


def _observe_latency(arrived: Sequence[Arrived], now: float) -> None:
    """Each claim's, and of the first one, which waited longest, its trace."""
    waits = [max(0.0, now - timestamp / 1000) for timestamp, _ in arrived]
    metrics.DECISION_LATENCY.observe_all(waits[1:])
    for wait, (_, trace) in zip(waits[:1], arrived, strict=False):
        metrics.DECISION_LATENCY.observe(wait, exemplar_of(trace))
