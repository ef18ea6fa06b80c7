"""Sorts a population into acts: what is known before the claims, the claims, what comes late."""

from collections.abc import Iterator

import msgspec
from msgspec import Struct, field

from stream_app.synthetic import Event, Population, Stream, Truth
from stream_app.synthetic.event import Kind


class Acts(Struct):
    """A population as the demo plays it. Its claims are not held: `claims` makes them again."""

    population: Population
    truth: Truth
    before: list[Event] = field(default_factory=list)
    """Histories that precede their member's claim, and malformed ones."""
    late: list[Event] = field(default_factory=list)
    """Histories that arrive only after their member's claim."""
    late_claims: set[str] = field(default_factory=set)
    """Ids of the claims that are decided before (all of) their history is known."""
    in_scope: dict[str, list[Event]] = field(default_factory=dict)
    """The claim events in scope by claim_id, in the order in which they are fed."""

    def claims(self) -> Iterator[Event]:
        """Every claim event, in order; the same at each call."""
        return (event for event in Population(self.population.plan) if event.stream is _CLAIMS)


_CLAIMS = Stream.CLAIMS


class _Ids(Struct):
    member_id: str
    claim_id: str = ""


_ids = msgspec.json.Decoder(_Ids)


def sort_into_acts(population: Population) -> Acts:
    """Goes through the whole population once; its claims pass by."""
    acts = Acts(population, population.truth)
    claimed: dict[str, set[str]] = {}
    for event in population:
        if event.kind is Kind.IN_SCOPE:
            ids = _ids.decode(event.value)
            claimed.setdefault(ids.member_id, set()).add(ids.claim_id)
            acts.in_scope.setdefault(ids.claim_id, []).append(event)
        elif event.kind is Kind.HISTORY:
            claims = claimed.get(_ids.decode(event.value).member_id)
            if claims is None:
                acts.before.append(event)
            else:
                acts.late.append(event)
                acts.late_claims |= claims
        elif event.stream is Stream.HISTORY:
            acts.before.append(event)
    acts.truth = population.truth
    return acts
