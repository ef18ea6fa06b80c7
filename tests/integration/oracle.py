"""What must come out for what was put in, worked out without any Kafka.

The oracle of every failure test: the ids of all in-scope input events are the ids decided and
those dead-lettered; nothing is missing, nothing comes from nowhere, and whoever is decided twice
on the same history is decided the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from stream_app.domain.decision import Decision, Trigger
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.encode import encode_decision
from stream_app.pipeline.enrich import MemberHistory
from stream_app.synthetic.population import Truth
from tests.integration.harness import Out, Sent


def expected_decision(
    decider: Decider, claim: dict[str, Any] | bytes, histories: Iterable[dict[str, Any]] = ()
) -> Decision | None:
    """What the rules say of a claim with that history."""
    value = claim if isinstance(claim, bytes) else orjson.dumps(claim)
    decoded = decode_claim(value)
    assert decoded is not None, "not in scope: a fault of the test"
    known = MemberHistory()
    for event in histories:
        known.apply(decode_history(orjson.dumps(event)))
    return decider.decide(decoded, known.on_file())


def expected_event(
    decider: Decider, claim: dict[str, Any], histories: Iterable[dict[str, Any]], out: Out
) -> Any:
    """The whole decision event, but for what no oracle can know: when and from where."""
    decision = expected_decision(decider, claim, histories)
    assert decision is not None
    got = out.event
    return orjson.loads(
        encode_decision(
            decision,
            trigger=Trigger.CLAIM,
            supersedes=got["supersedes"],
            replay_id=None,
            source=got["source"],
            evaluated_at=got["evaluated_at"],
        )
    )


@dataclass
class Fed:
    """Everything that was fed, by the place it came to lie at."""

    claims: dict[Sent, bytes] = field(default_factory=dict)
    members: dict[str, MemberHistory] = field(default_factory=lambda: defaultdict(MemberHistory))

    def history(self, value: bytes | None) -> None:
        """Take in a history event; a malformed one changes nothing."""
        if value is None:
            return
        try:
            event = decode_history(value)
        except MalformedEvent:
            return
        self.members[event.member_id].apply(event)


def source_of(out: Out) -> Sent:
    place = out.event["source"]
    return Sent(place["topic"], place["partition"], place["offset"])


def faults_of_ids(truth: Truth, decisions: Sequence[Out], dead_letters: Sequence[Out]) -> list[str]:
    """Whether the ids that went in are the ids that came out."""
    decided = {out.event["claim_id"] for out in decisions}
    dead = {out.record.key for out in dead_letters}
    expected_dead = {key for key, m in truth.malformed_claims.items() if m.scan_sees}
    expected_dead |= set(truth.malformed_history)
    pairs = [
        ("claims not decided", truth.decided - decided),
        ("claims decided that call for no decision", decided - truth.decided),
        ("malformed events not dead-lettered", expected_dead - dead),
        ("dead letters of sound events", dead - expected_dead),
    ]
    return [f"{len(ids)} {what}, e.g. {min(ids)!r}" for what, ids in pairs if ids]


def faults_of_decisions(
    decider: Decider, fed: Fed, decisions: Sequence[Out], *, history_first: bool
) -> list[str]:
    """Whether each decision is one that the rules give for the event it names as its source.

    Args:
        decider: the rules.
        fed: what was fed.
        decisions: all that came out.
        history_first: all history was done before the first claim was fed, so that each event
            has one possible decision only.
    """
    faults = []
    ids: dict[Sent, set[str]] = defaultdict(set)
    for out in decisions:
        source, event = source_of(out), out.event
        value = fed.claims.get(source)
        if value is None:
            faults.append(f"a decision of an event that was never fed: {source}")
            continue
        ids[source].add(event["decision_id"])
        if event["supersedes"] == event["decision_id"]:
            faults.append(f"a decision that supersedes itself: {source}")
        if history_first:
            claim = decode_claim(value)
            assert claim is not None
            on_file = fed.members[claim.member_id].on_file()
            decision = decider.decide(claim, on_file)
            if decision is None or decision.decision_id != event["decision_id"]:
                faults.append(f"not what the rules say: {source}")
    if history_first:
        faults += [f"two ids for one event: {s}" for s, found in ids.items() if len(found) > 1]
    return faults
