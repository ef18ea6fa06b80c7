"""Nothing that a decision can hold is without words."""

import pytest

from stream_app.domain.decision import Criterion
from stream_app.domain.vocabulary import CriterionName
from stream_app.explain import words
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.enrich import MemberHistory
from stream_app.policy.load import load_policies
from stream_app.synthetic import Plan, Population, Stream
from stream_app.synthetic.event import Kind


def test_every_criterion_has_words() -> None:
    """A criterion added is a phrase added."""
    assert set(words.CRITERIA) == set(CriterionName)


def test_every_code_of_the_reasons_has_words() -> None:
    """Groups, CARCs, RARCs and categories; none that no reason carries."""
    rows = load_policies().reasons.values()
    adjustments = [row.adjustment for row in rows if row.adjustment]
    assert set(words.GROUPS) == {each.group for each in adjustments}
    assert set(words.CARCS) == {each.carc for each in adjustments}
    assert set(words.RARCS) == {rarc for each in adjustments for rarc in each.rarc}
    assert set(words.CATEGORIES) == {r.claim_status.category for r in rows if r.claim_status}


def test_all_evidence_that_occurs_can_be_put_into_words() -> None:
    """Over every scenario of the synthetic population."""
    decider = Decider(load_policies())
    members: dict[str, MemberHistory] = {}
    claims = []
    for event in Population(Plan(seed=4, claims=150, incidence=1, poison=0, near_misses=0)):
        if event.stream is Stream.HISTORY:
            history = decode_history(event.value)
            members.setdefault(history.member_id, MemberHistory()).apply(history)
        elif event.kind is Kind.IN_SCOPE:
            claims.append(decode_claim(event.value))
    seen: set[str] = set()
    for claim in claims:
        assert claim is not None
        row = members.get(claim.member_id, MemberHistory())
        decision = decider.decide(claim, row.on_file())
        for line in decision.lines if decision else ():
            for criterion in line.criteria:
                seen.add(criterion.criterion)
                assert words.evidence(criterion)
    assert seen == set(CriterionName)


@pytest.mark.parametrize("steering", ["\x1b[31mred", "a\rb", "two\nlines", "\x9bm", "\u202eltr"])
def test_values_cannot_steer_a_terminal(steering: str) -> None:
    """An id or description is data, whatever it holds."""
    criterion = Criterion(
        CriterionName.GENETIC_MODIFICATION_DESCRIBED,
        None,
        {"procedure_description": steering, "phrases": {}},
    )
    assert words.evidence(criterion).isprintable()
