"""All history first, then every claim in file order; one decision for each claim that stands."""

from collections import Counter
from collections.abc import Callable, Iterator

from msgspec import Struct, field

from stream_app.adjudicate.dead_letters import DeadLetter
from stream_app.adjudicate.history import read_history
from stream_app.adjudicate.lines import InputFile, InputLine, whole
from stream_app.domain.claim import Claim, ClaimFrequency
from stream_app.domain.decision import Outcome, Trigger
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim
from stream_app.pipeline.encode import encode_decision
from stream_app.pipeline.enrich import MemberHistory, standing_key


class Counts(Struct):
    """What became of every line of claims.

    Those in scope are decided, replaced, void or not applicable.
    """

    claims: int = 0
    out_of_scope: int = 0
    in_scope: int = 0
    replaced: int = 0
    """Older versions and redeliveries: of one claim_id only the event that stands is decided."""
    void: int = 0
    not_applicable: int = 0
    dead_letters: int = 0
    decisions: Counter[Outcome] = field(default_factory=Counter)


class _Standing(Struct, frozen=True):
    """The event of a claim that stands so far, and where it was read."""

    claim: Claim
    file: str
    line: int


Progress = Callable[[InputFile, InputLine], None]


class Adjudication:
    """One run over a history file and a claims file.

    Memory grows with the history and with the claims in scope, not with all claims: which event
    of a claim stands is known only at the end, so those in scope are held until then.
    """

    def __init__(
        self,
        decider: Decider,
        evaluated_at: str,
        refuse: Callable[[DeadLetter], None],
        progress: Progress = lambda _file, _line: None,
    ) -> None:
        self._decider = decider
        self._evaluated_at = evaluated_at
        self._refuse = refuse
        self._progress = progress
        self._members: dict[str, MemberHistory] = {}
        self._standing: dict[str, _Standing] = {}
        self.counts = Counts()
        self.history_dead_letters = 0

    @property
    def members(self) -> int:
        """How many members have a history."""
        return len(self._members)

    def read_history(self, file: InputFile) -> None:
        """Applies every history event, in any order."""

        def refuse(letter: DeadLetter) -> None:
            self.history_dead_letters += 1
            self._refuse(letter)

        self._members = read_history(file, refuse, self._progress)

    def read_claims(self, file: InputFile) -> None:
        """Keeps the event that stands of each claim in scope."""
        counts, standing = self.counts, self._standing
        for line in file.lines():
            self._progress(file, line)
            counts.claims += 1
            try:
                claim = decode_claim(whole(line))
            except MalformedEvent as error:
                counts.dead_letters += 1
                self._refuse(DeadLetter.of(file.name, line, error))
                continue
            if claim is None:
                counts.out_of_scope += 1
                continue
            counts.in_scope += 1
            known = standing.get(claim.claim_id)
            if known is not None:
                counts.replaced += 1
                if standing_key(claim) <= standing_key(known.claim):
                    continue
            standing[claim.claim_id] = _Standing(claim, file.name, line.number)

    def decisions(self) -> Iterator[bytes]:
        """A decision event for each claim that calls for one, in input order."""
        for standing in sorted(self._standing.values(), key=lambda each: each.line):
            claim = standing.claim
            history = self._members.get(claim.member_id)
            decision = self._decider.decide(claim, history.on_file() if history else ())
            if decision is None:
                if claim.frequency is ClaimFrequency.VOID:
                    self.counts.void += 1
                else:
                    self.counts.not_applicable += 1
                continue
            self.counts.decisions[decision.decision] += 1
            yield encode_decision(
                decision,
                trigger=Trigger.CLAIM,
                supersedes=None,
                replay_id=None,
                source={"file": standing.file, "line": standing.line},
                evaluated_at=self._evaluated_at,
            )
