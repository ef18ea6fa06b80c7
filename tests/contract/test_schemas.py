"""The schemas are valid themselves and use the words that the code uses."""

import sys

import jsonschema
import jsonschema_rs
import msgspec
import pytest

from stream_app.domain.claim import ClaimFrequency, SpecifiedAs
from stream_app.domain.decision import GUIDELINE, Outcome, Trigger
from stream_app.domain.history import HistoryOperation, TransplantStatus, TransplantType
from stream_app.domain.vocabulary import CriterionName, ReasonCode
from stream_app.errors import DeadLetterReason
from stream_app.pipeline import wire
from tests.contract.contracts import (
    CLAIM,
    DEAD_LETTER_LINE,
    DECISION,
    DRIFT,
    HISTORY,
    REPLAY_REPORT,
    SCHEMAS,
    schema,
)

NAMES = (CLAIM, HISTORY, DECISION, DRIFT, DEAD_LETTER_LINE, REPLAY_REPORT)


def test_every_schema_file_is_known_to_these_tests() -> None:
    assert {path.name for path in SCHEMAS.glob("*.json")} == {
        f"{name}.v1.schema.json" for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_draft_07(name: str) -> None:
    assert schema(name)["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema(name))
    assert jsonschema_rs.meta.is_valid(schema(name))


@pytest.mark.parametrize("name", [CLAIM, HISTORY])
def test_blank_means_to_the_schema_what_it_means_to_the_decoder(name: str) -> None:
    """The class of blanks is spelt out in the schema, since dialects differ in what a blank is."""
    blank = jsonschema_rs.Draft7Validator(schema(name)["definitions"]["blank"])
    surrogates = range(0xD800, 0xE000)
    characters = (chr(code) for code in range(sys.maxunicode + 1) if code not in surrogates)
    assert [each for each in characters if blank.is_valid(each) is not each.isspace()] == []


def test_words_of_the_claim_schema_are_those_of_the_code() -> None:
    claim = schema(CLAIM)
    assert choices(claim["properties"]["claim_frequency_code"]) == values(ClaimFrequency)
    line = claim["definitions"]["serviceLine"]["properties"]
    assert choices(line["specified_as"]) == values(SpecifiedAs)
    assert claim["definitions"]["positiveInteger"]["maximum"] == wire.MAX_INTEGER


def test_words_of_the_history_schema_are_those_of_the_code() -> None:
    history = schema(HISTORY)
    assert choices(history["properties"]["operation"]) == values(HistoryOperation)
    transplant = history["definitions"]["transplant"]["properties"]
    assert choices(transplant["type"]) == values(TransplantType)
    assert choices(transplant["status"]) == values(TransplantStatus)


def test_words_of_the_decision_schema_are_those_of_the_code() -> None:
    decision = schema(DECISION)
    definitions = decision["definitions"]
    assert decision["properties"]["guideline"]["const"] == GUIDELINE
    assert decision["properties"]["trigger"]["enum"] == values(Trigger)
    assert definitions["outcome"]["enum"] == values(Outcome)
    assert definitions["reason"]["properties"]["code"]["enum"] == values(ReasonCode)
    assert definitions["criterion"]["properties"]["criterion"]["enum"] == values(CriterionName)


def test_parts_of_the_drift_schema_are_those_of_the_decision_schema() -> None:
    decision, drift = schema(DECISION)["definitions"], schema(DRIFT)["definitions"]
    for name in drift.keys() - {"line"}:
        assert drift[name] == decision[name]
    line = drift["line"]["properties"]
    for name in line.keys() - {"reasons"}:
        assert line[name] == decision["line"]["properties"][name]


def test_words_of_the_dead_letter_schema_are_those_of_the_code() -> None:
    assert schema(DEAD_LETTER_LINE)["properties"]["reason"]["enum"] == values(DeadLetterReason)


def choices(optional: dict) -> list[str]:
    """The words of an optional choice, which may also be null or blank."""
    words = optional["anyOf"][0]["enum"]
    assert words[-1] is None
    assert optional["anyOf"][1] == {"$ref": "#/definitions/blank"}
    return words[:-1]


def values(words: type) -> list[str]:
    return [word.value for word in words]


UNREAD = "Unused by the rules, not validated."


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        (wire.ClaimEvent, schema(CLAIM)),
        (wire.Line, schema(CLAIM)["definitions"]["serviceLine"]),
        (wire.TransplantRecord, schema(HISTORY)["definitions"]["transplant"]),
        (wire.HistoryRecord, schema(HISTORY)),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_decoder_reads_the_fields_that_the_schema_validates(shape: type, part: dict) -> None:
    fields = msgspec.structs.fields(shape)
    validated = {
        name for name, each in part["properties"].items() if each.get("description") != UNREAD
    }
    # Carried along, since it is part of the record that a decision rests on, but read by no rule.
    assert {field.name for field in fields} - {"conditioning"} == validated
    required = {field.name for field in fields if field.required}
    assert required == set(part.get("required", []))
