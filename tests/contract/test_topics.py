"""The topic files tell of every topic, and what the service really makes of it."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from stream_app.domain.decision import Outcome
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.encode import dead_letter_headers, decision_headers, drift_headers
from stream_app.settings import Settings
from stream_app.worker.topics import TopicSpec, topic_specs
from tests.contract.contracts import SCHEMAS
from tests.contract.decision_examples import drifted

TOPICS = SCHEMAS / "topics"
FIELDS = {
    *("topic", "setting", "direction", "description", "producers", "consumers", "key"),
    *("partitions", "value", "headers", "retention", "largest record", "config"),
}
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SPECS = {spec.name: spec for spec in topic_specs(Settings())}


def topic_file(name: str) -> dict[str, Any]:
    return YAML(typ="safe").load(TOPICS / f"{name}.yaml")


def test_every_topic_of_the_service_has_its_file() -> None:
    assert {path.name for path in TOPICS.iterdir()} == {f"{name}.yaml" for name in SPECS}


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_file_says_what_the_service_makes_of_the_topic(spec: TopicSpec) -> None:
    said = topic_file(spec.name)
    assert set(said) == FIELDS
    assert said["topic"] == spec.name
    assert said["config"] == spec.config
    assert (said["direction"] == "in") is spec.inbound
    assert said["setting"] is None or getattr(Settings(), said["setting"]) == spec.name


@pytest.mark.parametrize("name", SPECS)
def test_schema_and_examples_of_the_topic_exist(name: str) -> None:
    value = topic_file(name)["value"]
    assert set(value) == {"schema", "examples", "framing", "null"}
    for place in (*schemas_of(value), value["examples"]):
        assert place is None or (Path(TOPICS) / place).resolve().exists()


def schemas_of(value: dict[str, Any]) -> list[str]:
    schemas = value["schema"] or []
    return [schemas] if isinstance(schemas, str) else schemas


@pytest.mark.parametrize("outcome", Outcome)
def test_headers_of_decisions_are_those_of_the_file(outcome: Outcome) -> None:
    sent = dict(decision_headers("id", "now", outcome, TRACE, "history event"))
    said = topic_file(f"cg-trans-03.{outcome.value}")["headers"]
    assert set(sent) == set(said)
    for constant in ("ce_specversion", "ce_source", "ce_type", "content-type"):
        assert sent[constant].decode() == said[constant]


def test_headers_of_drift_are_those_of_the_file() -> None:
    approval, fresh = drifted()
    sent = dict(drift_headers(approval, fresh, "now", TRACE, "history event"))
    said = topic_file("cg-trans-03.history-drift")["headers"]
    assert set(sent) == set(said)
    for constant in ("ce_specversion", "ce_source", "ce_type", "content-type"):
        assert sent[constant].decode() == said[constant]


def test_headers_of_dead_letters_are_those_of_the_file() -> None:
    fault = MalformedEvent(DeadLetterReason.NOT_JSON)
    sent = dict(dead_letter_headers(fault, topic="t", partition=0, offset=0, timestamp=1))
    said = topic_file("cg-trans-03.dead-letter")["headers"]
    assert set(sent) == set(said) - {"*"}
    assert all(reason.value in said["cg_trans_03.reason"] for reason in DeadLetterReason)
