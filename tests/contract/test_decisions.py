"""Every decision event the service sends fits decision.v1, and so do its examples."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stream_app.adjudicate.dead_letters import DeadLetter
from stream_app.adjudicate.lines import InputLine
from stream_app.domain.decision import Trigger
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.encode import encode_decision, encode_drift
from stream_app.pipeline.enrich import MemberHistory
from stream_app.policy.load import load_policies
from stream_app.rules.settings import DecisionSettings
from tests.contract.contracts import (
    DEAD_LETTER_LINE,
    DECISION,
    DRIFT,
    EXAMPLES,
    fits,
    rust_validator,
    schema,
)
from tests.contract.decision_examples import drifted, made, made_of_drift
from tests.property.decode_events import claims, contradicts_itself, histories

TOPICS = {
    "cg-trans-03.approve": DECISION,
    "cg-trans-03.deny": DECISION,
    "cg-trans-03.pend": DECISION,
    "cg-trans-03.history-drift": DRIFT,
    "dead-letter-line": DEAD_LETTER_LINE,
}
DECIDERS = [
    Decider(load_policies(), settings=settings)
    for settings in (
        DecisionSettings(),
        DecisionSettings("presume_same", "partial", "deny", "review"),
    )
]
SOURCES = st.sampled_from(
    [{"topic": "t", "partition": 0, "offset": 0}, {"file": "claims.jsonl", "line": 1}]
)


def examples(kind: str) -> list[Any]:
    return [
        pytest.param(topic, path, id=f"{topic}/{path.stem}")
        for topic in TOPICS
        for path in sorted((EXAMPLES / topic / "v1" / kind).glob("*.json"))
    ]


@pytest.mark.parametrize(("topic", "path"), examples("valid"))
def test_fits_the_schema_when_example_is_valid(topic: str, path: Path) -> None:
    assert fits(TOPICS[topic], json.loads(path.read_bytes()))


@pytest.mark.parametrize(("topic", "path"), examples("invalid"))
def test_breaks_the_schema_where_it_says_when_example_is_invalid(topic: str, path: Path) -> None:
    event = json.loads(path.read_bytes())
    expected = YAML(typ="safe").load(EXAMPLES / topic / "v1/invalid.yaml")
    errors = rust_validator(TOPICS[topic]).iter_errors(event)
    assert {where(error.instance_path) for error in errors} == {expected[path.stem]["where"]}


def where(path: list[str | int]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


@pytest.mark.parametrize(
    ("path", "event"), [pytest.param(*each, id=each[0].stem) for each in made()]
)
def test_example_is_what_the_service_decides_today(path: Path, event: dict[str, Any]) -> None:
    """If this fails on purpose: python -m tests.contract.decision_examples"""
    example = json.loads(path.read_bytes())
    # The ids change with every change of the policy files, of a text even.
    for each in (example, event):
        each["decision_id"] = ""
        each["supersedes"] = each["supersedes"] and "another"
    assert example == event
    assert f".{example['decision']}" in path.parts[-4]


@pytest.mark.parametrize(
    ("path", "event"), [pytest.param(*each, id=each[0].stem) for each in made_of_drift()]
)
def test_example_of_drift_is_what_the_service_says_today(path: Path, event: dict[str, Any]) -> None:
    """If this fails on purpose: python -m tests.contract.decision_examples"""
    example = json.loads(path.read_bytes())
    for each in (example, event):
        each["standing"]["decision_id"] = each["fresh"]["decision_id"] = ""
    assert example == event


def test_drift_has_no_field_that_its_schema_does_not_name() -> None:
    said = json.loads(
        encode_drift(
            *drifted(),
            trigger=Trigger.HISTORY_UPDATE,
            source={"topic": "t", "partition": 0, "offset": 0},
            evaluated_at="2026-01-02T03:04:05Z",
        )
    )
    part = schema(DRIFT)
    assert set(said) == set(part["properties"])
    assert set(said["fresh"]) == set(part["properties"]["fresh"]["properties"])
    assert set(said["fresh"]["lines"][0]) == set(part["definitions"]["line"]["properties"])


@given(
    claims.filter(lambda claim: not contradicts_itself(claim)),
    st.lists(histories, max_size=4),
    st.sampled_from(DECIDERS),
    st.sampled_from(Trigger),
    SOURCES,
)
def test_decision_fits_the_schema_whatever_is_decided(
    sent: dict[str, Any],
    events: list[dict[str, Any]],
    decider: Decider,
    trigger: Trigger,
    source: dict[str, Any],
) -> None:
    claim = decode_claim(json.dumps(sent).encode())
    history = MemberHistory()
    for event in events:
        history.apply(decode_history(json.dumps(event).encode()))
    decision = claim and decider.decide(claim, history.on_file())
    if decision is None:
        return
    value = encode_decision(
        decision,
        trigger=trigger,
        supersedes=decision.decision_id if trigger is Trigger.HISTORY_UPDATE else None,
        replay_id="r" if trigger is Trigger.REPLAY else None,
        source=source,
        evaluated_at="2026-01-02T03:04:05Z",
    )
    event = json.loads(value)
    assert fits(DECISION, event)
    assert unknown_fields(event, schema(DECISION)) == set()


def unknown_fields(value: Any, part: dict[str, Any]) -> set[str]:
    """Fields of an event that the schema does not name (to consumers it stays open for more)."""
    definitions = schema(DECISION)["definitions"]
    while "$ref" in part:
        part = definitions[part["$ref"].removeprefix("#/definitions/")]
    for branch in part.get("anyOf", []) + part.get("oneOf", []):
        resolved = (
            definitions[branch["$ref"].removeprefix("#/definitions/")] if "$ref" in branch else {}
        )
        if isinstance(value, dict) and set(resolved.get("required", ["?"])) <= set(value):
            return unknown_fields(value, resolved)
    if isinstance(value, list):
        return {name for each in value for name in unknown_fields(each, part.get("items", {}))}
    if not isinstance(value, dict) or "properties" not in part:
        return set()
    named = part["properties"]
    below = {
        name for key in named if key in value for name in unknown_fields(value[key], named[key])
    }
    return (set(value) - set(named)) | below


@given(st.binary(min_size=1, max_size=40), st.sampled_from(DeadLetterReason), st.integers(0, 9))
def test_dead_letter_line_fits_the_schema_whatever_the_line_holds(
    value: bytes, reason: DeadLetterReason, cut: int
) -> None:
    line = InputLine(number=1, value=value, size=len(value) + cut, end=0)
    letter = DeadLetter.of("claims.jsonl", line, MalformedEvent(reason, "$.member_id"))
    written = json.loads(letter.to_json())
    assert fits(DEAD_LETTER_LINE, written)
    assert set(written) <= set(schema(DEAD_LETTER_LINE)["properties"])
