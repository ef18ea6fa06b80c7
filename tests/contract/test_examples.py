"""Every example beside the schemas is what its folder says, to the schema and to the decoder."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.scope import may_be_in_scope
from tests.contract.contracts import CLAIM, EXAMPLES, HISTORY, fits

DECODERS = {CLAIM: decode_claim, HISTORY: decode_history}


def examples(kind: str) -> list[object]:
    return [
        pytest.param(topic, path, id=f"{topic}/{path.stem}")
        for topic in DECODERS
        for path in sorted((EXAMPLES / topic / "v1" / kind).glob("*.json"))
    ]


def expectations(topic: str) -> dict[str, dict[str, str]]:
    return YAML(typ="safe").load(EXAMPLES / topic / "v1" / "invalid.yaml")


@pytest.mark.parametrize(("topic", "path"), examples("valid"))
def test_decodes_and_fits_the_schema_when_example_is_valid(topic: str, path: Path) -> None:
    value = path.read_bytes()
    assert fits(topic, json.loads(value))
    assert DECODERS[topic](value) is not None


@pytest.mark.parametrize(("topic", "path"), examples("invalid"))
def test_says_what_is_wrong_and_where_when_example_is_invalid(topic: str, path: Path) -> None:
    value = path.read_bytes()
    expected = expectations(topic)[path.stem]
    with pytest.raises(MalformedEvent) as caught:
        DECODERS[topic](value)
    assert {"reason": caught.value.reason.value, "where": caught.value.where} == expected
    if expected["reason"] != DeadLetterReason.NOT_JSON:
        # JSON Schema cannot say that an event contradicts itself.
        contradiction = expected["reason"] == DeadLetterReason.INCONSISTENT
        assert fits(topic, json.loads(value)) is contradiction


@pytest.mark.parametrize(("topic", "path"), examples("out-of-scope"))
def test_is_passed_over_when_example_is_out_of_scope(topic: str, path: Path) -> None:
    assert DECODERS[topic](path.read_bytes()) is None


@pytest.mark.parametrize("topic", DECODERS)
def test_every_expectation_has_its_example(topic: str) -> None:
    files = {path.stem for path in (EXAMPLES / topic / "v1" / "invalid").glob("*.json")}
    assert files == set(expectations(topic))


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_scan_lets_through_every_claim_to_be_decided_or_dead_lettered(kind: str) -> None:
    paths = sorted((EXAMPLES / CLAIM / "v1" / kind).glob("*.json"))
    assert [path.name for path in paths if not may_be_in_scope(path.read_bytes())] == []
