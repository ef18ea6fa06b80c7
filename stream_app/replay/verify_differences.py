"""In what a decision that was redone is another than its record says."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from stream_app.domain.decision import Decision, Outcome


class RecordedReason(Struct, frozen=True):
    """A reason of a line, as much of it as is compared."""

    code: str


class RecordedCriterion(Struct, frozen=True):
    """A criterion that was looked at."""

    criterion: str
    value: bool | None
    evidence: dict[str, Any]


class RecordedLine(Struct, frozen=True):
    """A line of a decision, as much of it as is compared."""

    line_number: int
    procedure_code: str
    decision: Outcome
    policy_version: str | None
    reasons: tuple[RecordedReason, ...]
    criteria: tuple[RecordedCriterion, ...] = ()

    @property
    def codes(self) -> str:
        """The reasons, for people."""
        return ", ".join(reason.code for reason in self.reasons)


class Difference(Struct, frozen=True, omit_defaults=True):
    """One thing that is another."""

    what: str
    text: str
    """For people; no id, no value of the claim."""
    line: int | None = None


class Now(Struct, frozen=True):
    """What is decided now, as its record would say it."""

    decision: Outcome
    lines: tuple[RecordedLine, ...]


_now = msgspec.json.Decoder(Now)


def of_decision(decision: Decision) -> Now:
    """A decision in the terms of its record."""
    return _now.decode(msgspec.json.encode(decision))


def differences(
    outcome: Outcome, lines: Sequence[RecordedLine], now: Now, held: Collection[str]
) -> Iterator[Difference]:
    """What is another; at least one, for the ids are known to differ.

    Args:
        outcome: that was recorded.
        lines: that were recorded.
        now: what is decided now.
        held: the guideline versions that are held.
    """
    found = list(_found(outcome, lines, now, held))
    yield from found
    if not found:
        yield Difference("id", _why_the_id(lines, now.lines))


def _found(
    outcome: Outcome, lines: Sequence[RecordedLine], now: Now, held: Collection[str]
) -> Iterator[Difference]:
    if outcome is not now.decision:
        yield Difference("outcome", f"was {outcome.value}, now {now.decision.value}")
    fresh = {line.line_number: line for line in now.lines}
    for line in sorted(lines, key=lambda line: line.line_number):
        number, version = line.line_number, line.policy_version
        if version is not None and version not in held:
            text = f"line {number}: version {version} is not held"
            yield Difference("policy_version", text, number)
        other = fresh.pop(number, None)
        if other is None:
            yield Difference("line", f"line {number}: would not be decided now", number)
            continue
        if other.decision is not line.decision:
            text = f"line {number}: was {line.decision.value}, now {other.decision.value}"
            yield Difference("line", text, number)
        if version != other.policy_version and version in (None, *held):
            text = f"line {number}: by version {version}, now {other.policy_version}"
            yield Difference("policy_version", text, number)
        if line.reasons != other.reasons:
            text = f"line {number}: for {line.codes}, now {other.codes}"
            yield Difference("reasons", text, number)
    for number in sorted(fresh):
        yield Difference("line", f"line {number}: was not decided then", number)


def _why_the_id(lines: Sequence[RecordedLine], now: Sequence[RecordedLine]) -> str:
    """As far as the record tells: settings and policies are in the id, but not in the record."""
    fresh = {line.line_number: line.criteria for line in now}
    others = sorted(
        {
            was.criterion
            for line in lines
            for was in line.criteria
            if was not in fresh.get(line.line_number, ())
        }
    )
    same = "outcome and reasons are the same, the id is not: "
    if others:
        return f"{same}evidence differs ({', '.join(others)})"
    return f"{same}settings, policy files, or what no reason rests on differ"
