"""The same inputs in any order give the same decision, to the byte."""

import json
import uuid
from random import Random

import msgspec
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from stream_app.domain.claim import Claim
from stream_app.domain.history import Transplant
from stream_app.pipeline import decide
from stream_app.pipeline.decide import Decider
from stream_app.policy.applicability import Applicability
from stream_app.rules.settings import DecisionSettings
from tests.property.rules_strategies import (
    POLICIES,
    applicabilities,
    claims,
    histories,
    settings,
)

DECIDER = Decider(POLICIES)
replace = msgspec.structs.replace
encode = msgspec.json.Encoder().encode


@given(claims(), histories, st.randoms(use_true_random=False))
def test_decision_is_the_same_when_lines_diagnoses_and_transplants_are_shuffled(
    claim: Claim, transplants: list[Transplant], random: Random
) -> None:
    def shuffled(values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(random.sample(values, len(values)))

    lines = tuple(replace(line, diagnoses=shuffled(line.diagnoses)) for line in claim.lines)
    other = DECIDER.decide(
        replace(claim, lines=shuffled(lines)), list(shuffled(tuple(transplants)))
    )
    assert encode(other) == encode(DECIDER.decide(claim, transplants))


@given(claims(), histories, settings, applicabilities)
def test_decision_is_the_same_bytes_when_decided_by_two_deciders(
    claim: Claim,
    transplants: list[Transplant],
    choice: DecisionSettings,
    applicability: Applicability,
) -> None:
    one = Decider(POLICIES, applicability, choice)
    first = encode(one.decide(claim, transplants))
    assert encode(one.decide(claim, transplants)) == first
    assert encode(Decider(POLICIES, applicability, choice).decide(claim, transplants)) == first


@given(
    claims(),
    histories,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.integers(1, 2**53 - 1),
)
def test_decision_id_is_the_uuid5_of_canonical_json_when_texts_are_arbitrary(
    claim: Claim, transplants: list[Transplant], text: str, version: int
) -> None:
    """2-events.md: UUIDv5 of the RFC 8785 canonical JSON of what the decision rests on."""
    claim = replace(claim, claim_id=text, member_id=text[::-1], claim_version=version)
    lines = [replace(line, procedure_description=text, donor_id=text) for line in claim.lines]
    transplants = [replace(each, indication=text, conditioning=text) for each in transplants]
    places = [DECIDER._engine.place(None, None, None, line.service_date) for line in lines]
    basis = DECIDER._basis(claim, lines, places, transplants)
    assert rfc8785.dumps(json.loads(basis)) == basis
    assert decide._name(basis) == str(uuid.uuid5(decide.DECISION_NAMESPACE, basis.decode()))
