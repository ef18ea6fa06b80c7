"""Quix Streams doing in one hop what the service does in two, by the service's own rules.

Decodes and validates, decides with the full explanation, and remembers the claim with its decision
by member, in a state store with a changelog. Not: late history, dead letters, metrics, acknowledged
output before anything is remembered.

Arguments: bootstrap servers, claims topic, history topic, output topic, group.
The project's root is on the path.
"""

import sys
import tempfile
import time

from decision import may_matter
from librdkafka_history import read_history
from quixstreams import Application, message_context
from quixstreams.models import Serializer
from quixstreams.state.rocksdb import RocksDBOptions

from stream_app.domain.decision import Trigger
from stream_app.domain.history import Transplant
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.encode import decision_headers, encode_decision
from stream_app.pipeline.redecide import reasons_of
from stream_app.pipeline.remember import (
    LastDecision,
    MemberClaims,
    RememberedClaim,
    Source,
    Standing,
)
from stream_app.policy.load import load_policies

ROW = b"claims"

Sent = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Key, value and headers of a decision event."""


class Value(Serializer):
    """Sends the value's own bytes."""

    def __call__(self, value: Sent, ctx: object) -> bytes:
        return value[1]


def transplants(value: bytes) -> tuple[str, tuple[Transplant, ...]]:
    """A member and what is on file; in this data one transplant each."""
    event = decode_history(value)
    return event.member_id, (event.transplant,) if event.transplant else ()


class Rules:
    """What is done with a claim."""

    def __init__(self, history: dict[str, tuple[Transplant, ...]]) -> None:
        self._history = history
        self._decider = Decider(load_policies())

    def decide(self, value: bytes, state: object) -> Sent | None:
        """The decision to be sent, if there is one."""
        claim = decode_claim(value)
        if claim is None:
            return None
        stored = state.get(ROW)
        row = MemberClaims() if stored is None else MemberClaims.from_bytes(stored)
        if row.stands(claim) is not Standing.NEWER:
            return None
        before = row.get(claim.claim_id)
        decision = self._decider.decide(claim, self._history.get(claim.member_id, ()))
        if decision is None:
            return None
        now = time.time()
        context = message_context()
        source = Source(context.topic, context.partition, context.offset)
        told = LastDecision(
            decision.decision_id, decision.decision, reasons_of(decision), decision.claim_version
        )
        row.remember(RememberedClaim(claim, source, int(now) // 60, None, told))
        state.set(ROW, row.to_bytes())
        known = None if before is None else before.decision
        evaluated_at = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}+00:00"
        event = encode_decision(
            decision,
            trigger=Trigger.CLAIM,
            supersedes=None if known is None else known.decision_id,
            replay_id=None,
            source={
                "topic": source.topic,
                "partition": source.partition,
                "offset": source.offset,
            },
            evaluated_at=evaluated_at,
        )
        headers = decision_headers(decision.decision_id, evaluated_at, decision.decision, None)
        return claim.claim_id.encode(), event, headers


def main(servers: str, claims: str, history_topic: str, output: str, group: str) -> None:
    rules = Rules(read_history(servers, history_topic, transplants))
    app = Application(
        broker_address=servers,
        consumer_group=group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        use_changelog_topics=True,
        state_dir=tempfile.mkdtemp(),
        # Rows are bytes as they are; its own default would be JSON.
        rocksdb_options=RocksDBOptions(
            dumps=lambda value: value if isinstance(value, bytes) else str(value).encode(),
            loads=lambda stored: stored,
        ),
        consumer_extra_config={
            "fetch.queue.backoff.ms": 2,
            "queued.min.messages": 100_000,
            "max.partition.fetch.bytes": 8_388_608,
        },
        producer_extra_config={"compression.type": "lz4", "linger.ms": 20},
        loglevel="WARNING",
    )
    source = app.topic(claims, value_deserializer="bytes", key_deserializer="bytes")
    sink = app.topic(output, value_serializer=Value(), key_serializer="bytes")
    frame = app.dataframe(source)
    frame = frame[frame.apply(may_matter)]
    frame = frame.apply(rules.decide, stateful=True)
    frame = frame.filter(lambda sent: sent is not None)
    frame = frame.set_headers(lambda sent, *_: sent[2])
    frame.to_topic(sink, key=lambda sent: sent[0])
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
