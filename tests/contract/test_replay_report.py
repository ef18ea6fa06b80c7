"""The report of a replay, its schema and the examples beside it say the same."""

import json
from pathlib import Path

import msgspec
import pytest
from ruamel.yaml import YAML

from stream_app.domain.decision import GUIDELINE, Outcome
from stream_app.replay import diff_model
from stream_app.replay.compared import Cause
from tests.contract.contracts import EXAMPLES, REPLAY_REPORT, fits, rust_validator, schema
from tests.contract.test_decisions import where

HERE = EXAMPLES / REPLAY_REPORT / "v1"
SCHEMA = schema(REPLAY_REPORT)
PARTS = {
    diff_model.Report: SCHEMA,
    diff_model.JobFacts: SCHEMA["definitions"]["job"],
    diff_model.PolicyUsed: SCHEMA["definitions"]["policyUsed"],
    diff_model.Selection: SCHEMA["definitions"]["selection"],
    diff_model.Transition: SCHEMA["definitions"]["transition"],
    diff_model.CauseCount: SCHEMA["definitions"]["causeCount"],
    diff_model.ReasonChange: SCHEMA["definitions"]["reasonChange"],
    diff_model.VersionChange: SCHEMA["definitions"]["versionChange"],
    diff_model.Group: SCHEMA["definitions"]["group"],
    diff_model.Place: SCHEMA["definitions"]["source"],
    diff_model.LineSide: SCHEMA["definitions"]["side"],
    diff_model.LineChange: SCHEMA["definitions"]["line"],
    diff_model.Change: SCHEMA["definitions"]["change"],
}


def files(kind: str) -> list[object]:
    return [pytest.param(path, id=path.stem) for path in sorted((HERE / kind).glob("*.json"))]


@pytest.mark.parametrize("shape", list(PARTS), ids=lambda shape: shape.__name__)
def test_schema_names_the_fields_that_are_written(shape: type) -> None:
    fields = {field.name for field in msgspec.structs.fields(shape)}
    assert set(PARTS[shape]["properties"]) == set(PARTS[shape]["required"]) == fields


def test_words_of_the_schema_are_those_of_the_code() -> None:
    assert SCHEMA["properties"]["guideline"]["const"] == GUIDELINE
    assert SCHEMA["definitions"]["outcome"]["enum"] == list(Outcome)
    assert SCHEMA["definitions"]["cause"]["enum"] == [each for each in Cause if each != Cause.NONE]


@pytest.mark.parametrize("path", files("valid"))
def test_fits_the_schema_and_reads_back_when_example_is_valid(path: Path) -> None:
    value = path.read_bytes()
    assert fits(REPLAY_REPORT, json.loads(value))
    read = msgspec.json.decode(value, type=diff_model.Report)
    assert json.loads(read.to_json()) == json.loads(value)


@pytest.mark.parametrize("path", files("invalid"))
def test_breaks_the_schema_where_it_says_when_example_is_invalid(path: Path) -> None:
    expected = YAML(typ="safe").load(HERE / "invalid.yaml")
    errors = rust_validator(REPLAY_REPORT).iter_errors(json.loads(path.read_bytes()))
    assert {where(error.instance_path) for error in errors} == {expected[path.stem]["where"]}


def test_every_expectation_has_its_example() -> None:
    expected = YAML(typ="safe").load(HERE / "invalid.yaml")
    assert {path.stem for path in (HERE / "invalid").glob("*.json")} == set(expected)
