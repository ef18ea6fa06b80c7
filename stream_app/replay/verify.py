"""Redoing a decision from its record: the same id says that nothing it rests on is another.

What was known of the member when it was decided is made of the history topic, whose records bear
the platform's time and not that of their being taken in. A worker that was behind decided without
what had come in already. So the state by the clock is tried first and then every other that there
ever was, the nearest first; the id tells which one it was.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from stream_app.domain.claim import Claim
from stream_app.domain.decision import Decision, Outcome
from stream_app.domain.history import Transplant
from stream_app.errors import CgTrans03Error
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.enrich import MemberHistory
from stream_app.replay.bounds import parse_time
from stream_app.replay.history import Heard, on_file
from stream_app.replay.verify_differences import Difference, RecordedLine, differences, of_decision

NO_CLAIM = Difference("claim", "its claim event is gone: retention took it, or it is another's")
NOT_DECIDED = Difference(
    "not_decided", "would get no decision now: void, or the guideline does not apply to it"
)
NO_HISTORY = Difference(
    "history",
    "transplants that it names are not on file any more: the member was erased, or events deleted",
)


class NotADecision(CgTrans03Error):
    """A record is no decision event.

    Args:
        where: a JSON path; None where it is not JSON at all.
    """

    def __init__(self, where: str | None) -> None:
        super().__init__("is not JSON" if where is None else f"is no decision event; see {where}")


class Place(Struct, frozen=True):
    """Where a claim event lies: in Kafka, or in a file."""

    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    file: str | None = None
    line: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is either the one or the other."""
        in_kafka = None not in (self.topic, self.partition, self.offset)
        return in_kafka or None not in (self.file, self.line)


class Recorded(Struct, frozen=True):
    """A decision event, as much of it as is redone."""

    decision_id: str
    decision: Outcome
    claim_id: str
    claim_version: int
    member_id: str
    lines: tuple[RecordedLine, ...]
    source: Place
    evaluated_at: str

    @property
    def at(self) -> int:
        """When it was made, in milliseconds since the epoch."""
        return parse_time(self.evaluated_at) or 0

    def is_of(self, claim: Claim | None) -> bool:
        """Whether a claim is the one that was decided."""
        return claim is not None and (
            (claim.claim_id, claim.claim_version, claim.member_id)
            == (self.claim_id, self.claim_version, self.member_id)
        )


class State(Struct, frozen=True):
    """What was on file of a member at some moment."""

    transplants: tuple[Transplant, ...]
    without_ms: int = 0
    """It lacks what had come in by the clock, back to so long before the decision."""
    with_ms: int = 0
    """It has what came in by the clock only up to so long after the decision."""

    @property
    def distance(self) -> int:
        """How far it is from what the clock says."""
        return max(self.without_ms, self.with_ms)


class Verdict(Struct, frozen=True):
    """What came of redoing a decision."""

    decision_id: str
    same: bool
    differences: tuple[Difference, ...] = ()
    without_ms: int = 0
    with_ms: int = 0
    now: dict[str, Any] | None = None
    """decision_id and outcome, where something is decided now."""


def verify(
    recorded: Recorded,
    claim: Claim | None,
    states: Sequence[State],
    decider: Decider,
    held: Collection[str],
) -> Verdict:
    """Decide once more and compare.

    Args:
        recorded: what was decided.
        claim: the claim of it, or None where its event is gone.
        states: what was on file, likeliest first; not empty.
        decider: of the configuration that it is held against.
        held: the guideline versions of that configuration.
    """
    if claim is None:
        return Verdict(recorded.decision_id, same=False, differences=(NO_CLAIM,))
    for state in states:
        decision = decider.decide(claim, state.transplants)
        if decision is not None and decision.decision_id == recorded.decision_id:
            return Verdict(
                recorded.decision_id,
                same=True,
                without_ms=state.without_ms,
                with_ms=state.with_ms,
                now=_now(decision),
            )
    return _differing(recorded, decider.decide(claim, states[0].transplants), states, held)


def _differing(
    recorded: Recorded, fresh: Decision | None, states: Sequence[State], held: Collection[str]
) -> Verdict:
    known = {each.transplant_id for state in states for each in state.transplants}
    found = [NO_HISTORY] if _named(recorded) - known else []
    if fresh is None:
        found.append(NOT_DECIDED)
    else:
        found += differences(recorded.decision, recorded.lines, of_decision(fresh), held)
    return Verdict(
        recorded.decision_id,
        same=False,
        differences=tuple(found),
        now=None if fresh is None else _now(fresh),
    )


def _named(recorded: Recorded) -> set[str]:
    """The transplants that were looked at."""
    return {
        name
        for line in recorded.lines
        for criterion in line.criteria
        if isinstance(name := criterion.evidence.get("transplant_id"), str)
    }


def _now(decision: Decision) -> dict[str, Any]:
    return {"decision_id": decision.decision_id, "decision": decision.decision.value}


def states_at(events: Sequence[Heard], at: int) -> list[State]:
    """What may have been on file of a member, likeliest first.

    Args:
        events: all of the member, in the order in which the worker took them in.
        at: when the decision was made, in milliseconds since the epoch.
    """
    found: dict[tuple[Transplant, ...], State] = {}
    by_time = sorted(events, key=lambda each: each.timestamp)
    states = [State(on_file(events, at)), *_prefixes(events, at), *_prefixes(by_time, at)]
    for state in sorted(states, key=lambda state: state.distance):
        found.setdefault(state.transplants, state)
    return list(found.values())


def _prefixes(events: Sequence[Heard], at: int) -> Iterator[State]:
    """Every state that there was while these came in one by one."""
    missing = [0] * (len(events) + 1)
    for index in range(len(events) - 1, -1, -1):
        before = at - events[index].timestamp
        # At the very millisecond counts as known; lacking it is a state of its own all the same.
        missing[index] = max(missing[index + 1], before + 1 if before >= 0 else 0)
    history, extra = MemberHistory(), 0
    yield State((), missing[0], extra)
    for index, each in enumerate(events):
        history.apply(each.event)
        extra = max(extra, each.timestamp - at)
        yield State(history.on_file(), missing[index + 1], extra)


_decoder = msgspec.json.Decoder(Recorded)


def read_recorded(value: bytes) -> Recorded:
    """A decision event from its JSON text.

    Raises:
        NotADecision: says where it is none, with no value of it.
    """
    try:
        recorded = _decoder.decode(value)
    except msgspec.ValidationError as error:
        _, at, where = str(error).rpartition(" - at ")
        raise NotADecision(where.strip("`") if at else "$") from None
    except msgspec.DecodeError:
        raise NotADecision(None) from None
    if not recorded.source.is_whole:
        raise NotADecision("$.source")
    if parse_time(recorded.evaluated_at) is None:
        raise NotADecision("$.evaluated_at")
    return recorded
