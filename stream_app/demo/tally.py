"""What came out of the pipeline: decisions by claim, dead letters by key, all counted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from stream_app.domain.decision import Outcome, Trigger
from stream_app.synthetic import Stream


class ReasonCode(Struct, frozen=True):
    """As much of a reason as is counted."""

    code: str


class Line(Struct, frozen=True):
    """As much of a decided line as is counted."""

    decision: Outcome
    reasons: tuple[ReasonCode, ...]


class DecisionEvent(Struct, frozen=True):
    """As much of a decision event as is checked."""

    decision_id: str
    decision: Outcome
    claim_id: str
    claim_version: int
    trigger: Trigger
    supersedes: str | None
    lines: tuple[Line, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The codes of all lines, in line order."""
        return tuple(reason.code for line in self.lines for reason in line.reasons)


class Received(Struct, frozen=True):
    """A decision event and where it lay."""

    event: DecisionEvent
    key: bytes | None
    topic_of: Outcome
    """The outcome whose topic it lay on."""

    @property
    def misplaced(self) -> bool:
        """Whether it lies on another outcome's topic or under another key than its claim."""
        return self.topic_of is not self.event.decision or self.key != self.event.claim_id.encode()


class DeadLetter(Struct, frozen=True):
    """A dead letter: whence and why."""

    stream: Stream
    key: bytes
    reason: str


class Tally(Struct):
    """Everything that came out."""

    decisions: dict[str, list[Received]] = field(default_factory=dict)
    """By claim_id, in no particular order."""
    dead_letters: dict[tuple[Stream, bytes], list[str]] = field(default_factory=dict)
    """Reasons by stream and record key."""

    @property
    def events(self) -> int:
        """How many decision events there are."""
        return sum(map(len, self.decisions.values()))

    def standing(self) -> dict[str, DecisionEvent]:
        """The decision that stands of each claim, where that can be told."""
        told = {claim: standing(received) for claim, received in self.decisions.items()}
        return {claim: event for claim, event in told.items() if event is not None}

    def by_outcome(self) -> Counter[Outcome]:
        """Claims by the decision that stands."""
        return Counter(event.decision for event in self.standing().values())

    def by_reason(self) -> Counter[tuple[Outcome, str]]:
        """Lines of standing decisions by their outcome and each of their reasons."""
        return Counter(
            (line.decision, reason.code)
            for event in self.standing().values()
            for line in event.lines
            for reason in line.reasons
        )

    def by_dead_letter(self) -> Counter[tuple[Stream, str]]:
        """Dead letters by stream and reason."""
        return Counter(
            (stream, reason)
            for (stream, _), reasons in self.dead_letters.items()
            for reason in reasons
        )


def tally(decisions: Iterable[Received], dead_letters: Iterable[DeadLetter]) -> Tally:
    """Sorts what was read from the output topics."""
    by_claim: defaultdict[str, list[Received]] = defaultdict(list)
    by_key: defaultdict[tuple[Stream, bytes], list[str]] = defaultdict(list)
    for received in decisions:
        by_claim[received.event.claim_id].append(received)
    for letter in dead_letters:
        by_key[letter.stream, letter.key].append(letter.reason)
    return Tally(dict(by_claim), dict(by_key))


def standing(received: Sequence[Received]) -> DecisionEvent | None:
    """The last of a claim's decisions, told by what each supersedes and not by any clock.

    Each event leads from the decision it supersedes to its own. A decision that is led to once
    more than it is led away from is the last. Copies of an event count once.

    Returns:
        None where the events are no one unbroken chain from a first decision to a last.
    """
    events = {(one.event.supersedes, one.event.decision_id): one.event for one in received}
    balance: Counter[str | None] = Counter()
    for superseded, decision_id in events:
        balance[decision_id] += 1
        balance[superseded] -= 1
    last = [decision_id for decision_id, count in balance.items() if count == 1]
    if (
        len(last) != 1
        or balance.pop(None, 0) != -1
        or any(n not in (0, 1) for n in balance.values())
    ):
        return None
    return next(event for (_, decision_id), event in events.items() if decision_id == last[0])
