"""The smallest sets of missing facts that would change an outcome, and to what."""

from collections.abc import Iterable, Mapping
from itertools import product

from msgspec import Struct

from stream_app.domain.decision import Decision, LineDecision, Outcome
from stream_app.explain.case import Answer, Case, Leaning, Question
from stream_app.explain.questions import questions
from stream_app.pipeline.decide import Decider
from stream_app.policy.model import Policies

MOST_TRIALS = 4_000
"""Decisions tried for one line. Five unknown facts of each of several transplants need fewer."""


class Fact(Struct, frozen=True):
    """A question with the answer it is taken to have."""

    question: Question
    answer: Answer

    @property
    def identity(self) -> tuple[str, str]:
        """Question and answer, to compare by."""
        return self.question.key, self.answer.says


class Change(Struct, frozen=True):
    """Facts that, once known, would make the outcome `to`; none of them can be left out."""

    to: Outcome | None
    """None: the guideline does not apply."""
    facts: tuple[Fact, ...]


class Changes(Struct, frozen=True):
    """What a search found."""

    found: tuple[Change, ...] = ()
    complete: bool = True
    """False: there was too much unknown to try it all; smaller sets may exist."""


class Finder:
    """Looks for changes by deciding again with answers filled in."""

    def __init__(self, decider: Decider, policies: Policies) -> None:
        self._decider = decider
        self._policies = policies

    def of_line(self, case: Case, line: LineDecision) -> Changes:
        """All smallest sets for each other outcome a line may come to.

        Only a pend waits for facts: an approval or a denial rests on what is known, and nothing
        unknown can overturn it.
        """
        if line.decision is not Outcome.PEND:
            return Changes()
        searched = [self._search(case, line, leaning) for leaning in Leaning]
        found = [change for each in searched for change in each.found]
        fewest = {c.to: min(len(o.facts) for o in found if o.to is c.to) for c in found}
        return Changes(
            tuple(change for change in found if len(change.facts) == fewest[change.to]),
            all(each.complete for each in searched),
        )

    def of_claim(self, case: Case, decision: Decision, by_line: Mapping[int, Changes]) -> Changes:
        """The smallest sets for the claim: every line that pends has to be settled."""
        if decision.decision is not Outcome.PEND:
            return Changes()
        pending = [line for line in decision.lines if line.decision is Outcome.PEND]
        best: dict[Outcome | None, Change] = {}
        complete = all(by_line[line.line_number].complete for line in pending)
        for trial, chosen in enumerate(
            product(*(by_line[line.line_number].found for line in pending))
        ):
            if trial == MOST_TRIALS:
                complete = False
                break
            facts = {fact.identity: fact for change in chosen for fact in change.facts}
            if len({key for key, _ in facts}) < len(facts):
                continue  # two lines take one fact to be otherwise
            known = _apply(case, facts.values())
            decided = self._decider.decide(known.claim, known.transplants)
            to = decided.decision if decided else None
            change = Change(to, tuple(facts.values()))
            if to is not Outcome.PEND and (to not in best or len(facts) < len(best[to].facts)):
                best[to] = change
        return Changes(tuple(best.values()), complete)

    def _search(self, case: Case, line: LineDecision, leaning: Leaning) -> Changes:
        """Breadth first: sets of one fact, then of two, until some of a size change the outcome."""
        number = line.line_number
        level: list[tuple[Case, tuple[Fact, ...], LineDecision]] = [(case, (), line)]
        seen: set[frozenset[tuple[str, str]]] = set()
        trials = 0
        while level:
            changes: list[Change] = []
            following = []
            for known, facts, decided in level:
                for fact in self._facts(known, decided, leaning, facts):
                    more = (*facts, fact)
                    identity = frozenset(each.identity for each in more)
                    if identity in seen:
                        continue
                    if trials == MOST_TRIALS:
                        return Changes(tuple(changes), complete=False)
                    seen.add(identity)
                    trials += 1
                    then = fact.answer.apply(known)
                    now = self._decide(then, number)
                    if now is None or now.decision is not Outcome.PEND:
                        changes.append(Change(now.decision if now else None, more))
                    else:
                        following.append((then, more, now))
            if changes:
                return Changes(tuple(changes))
            level = following
        return Changes()

    def _facts(
        self, case: Case, line: LineDecision, leaning: Leaning, known: tuple[Fact, ...]
    ) -> Iterable[Fact]:
        asked = {fact.question.key for fact in known}
        for question in questions(case, line, self._policies):
            if question.key not in asked:
                for answer in question.answers:
                    if answer.leaning is leaning:
                        yield Fact(question, answer)

    def _decide(self, case: Case, number: int) -> LineDecision | None:
        decided = self._decider.decide(case.claim, case.transplants)
        lines = decided.lines if decided else ()
        return next((line for line in lines if line.line_number == number), None)


def _apply(case: Case, facts: Iterable[Fact]) -> Case:
    for fact in facts:
        case = fact.answer.apply(case)
    return case
