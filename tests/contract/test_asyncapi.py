"""The AsyncAPI document is valid, whole, and tells what the service does."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from stream_app.domain.decision import Outcome
from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.encode import dead_letter_headers, decision_headers, drift_headers
from stream_app.settings import Settings
from stream_app.worker.topics import TopicSpec, topic_specs
from tests.contract.asyncapi_specs import NpmMissing, asyncapi_schema
from tests.contract.contracts import SCHEMAS
from tests.contract.decision_examples import drifted
from tests.contract.test_topics import schemas_of

DOCUMENT: dict[str, Any] = YAML(typ="safe").load(SCHEMAS / "asyncapi.yaml")
CHANNELS: dict[str, Any] = DOCUMENT["channels"]
SETTINGS = Settings()
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def asyncapi() -> jsonschema_rs.Draft7Validator:
    try:
        schema = asyncapi_schema(DOCUMENT["asyncapi"])
    except NpmMissing as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))
    return jsonschema_rs.Draft7Validator(schema)


def test_document_fits_the_schema_that_asyncapi_publishes(
    asyncapi: jsonschema_rs.Draft7Validator,
) -> None:
    errors = asyncapi.iter_errors(DOCUMENT)
    assert [f"{list(error.instance_path)}: {error.message[:200]}" for error in errors] == []


def test_published_schema_refuses_a_document_that_is_wrong(
    asyncapi: jsonschema_rs.Draft7Validator,
) -> None:
    wrong = json.loads(json.dumps(DOCUMENT))
    wrong["operations"]["readClaims"]["action"] = "consume"
    assert not asyncapi.is_valid(wrong)
    wrong = json.loads(json.dumps(DOCUMENT))
    wrong["channels"]["approve"]["bindings"]["kafka"]["partitions"] = 0
    assert not asyncapi.is_valid(wrong)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_reference_leads_somewhere(reference: str) -> None:
    file, _, pointer = reference.partition("#")
    if file:
        assert (Path(SCHEMAS) / file).exists()
    else:
        assert resolved(reference) is not None
    assert bool(file) is not bool(pointer)


def resolved(reference: str) -> Any:
    part: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    return part


@pytest.mark.parametrize("spec", topic_specs(SETTINGS), ids=lambda spec: spec.name)
def test_channel_tells_of_each_topic_what_the_service_makes_of_it(spec: TopicSpec) -> None:
    (channel,) = (each for each in CHANNELS.values() if each["address"] == spec.name)
    kafka = channel["bindings"]["kafka"]
    configured = {
        name: ",".join(value) if isinstance(value, list) else str(value)
        for name, value in kafka.get("topicConfiguration", {}).items()
    }
    assert configured == spec.config
    assert kafka.get("partitions") == spec.partitions
    assert kafka.get("replicas") == (None if spec.inbound else SETTINGS.replication_factor)


def test_there_is_no_channel_without_a_topic() -> None:
    assert len(CHANNELS) == len(topic_specs(SETTINGS))


def test_topic_files_and_channels_name_the_same_schemas() -> None:
    for channel in CHANNELS.values():
        said = YAML(typ="safe").load(SCHEMAS / "topics" / f"{channel['address']}.yaml")
        messages = [resolved(each["$ref"]) for each in channel["messages"].values()]
        schemas = {
            reference for each in messages for reference in references(each.get("payload", {}))
        }
        assert schemas == {each.replace("../", "./", 1) for each in schemas_of(said["value"])}


def test_every_channel_has_its_operation_and_messages_belong_to_their_channel() -> None:
    used = set()
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        used.add(channel.removeprefix("#/channels/"))
        assert all(each["$ref"].startswith(f"{channel}/") for each in operation["messages"])
    assert used == set(CHANNELS)


def test_consumer_groups_are_those_of_the_settings() -> None:
    groups = {
        operation["bindings"]["kafka"]["groupId"]["const"]
        for operation in DOCUMENT["operations"].values()
        if "bindings" in operation
    }
    assert groups == {SETTINGS.scope_group, SETTINGS.adjudicate_group}


def header_schema(name: str) -> jsonschema_rs.Draft7Validator:
    schema = DOCUMENT["components"]["schemas"][name]
    return jsonschema_rs.Draft7Validator(schema, validate_formats=True)


@pytest.mark.parametrize("outcome", Outcome)
def test_headers_of_a_decision_are_those_of_the_document(outcome: Outcome) -> None:
    sent = decision_headers("id", "2026-01-02T03:04:05Z", outcome, TRACE, "history event")
    headers = {name: value.decode() for name, value in sent}
    name = f"{outcome.value}Headers"
    assert header_schema(name).is_valid(headers)
    assert set(headers) == set(DOCUMENT["components"]["schemas"][name]["properties"])


def test_headers_of_drift_are_those_of_the_document() -> None:
    sent = drift_headers(*drifted(), "2026-01-02T03:04:05Z", TRACE, "history event")
    headers = {name: value.decode() for name, value in sent}
    assert header_schema("driftHeaders").is_valid(headers)
    assert set(headers) == set(DOCUMENT["components"]["schemas"]["driftHeaders"]["properties"])


@pytest.mark.parametrize("reason", DeadLetterReason)
def test_headers_of_a_dead_letter_are_those_of_the_document(reason: DeadLetterReason) -> None:
    fault = MalformedEvent(reason, "$.service_lines[0].service_date")
    sent = dead_letter_headers(fault, topic="t", partition=0, offset=7, timestamp=1)
    headers = {name: value.decode() for name, value in sent}
    assert header_schema("deadLetterHeaders").is_valid(headers)
    assert set(headers) == set(DOCUMENT["components"]["schemas"]["deadLetterHeaders"]["required"])
