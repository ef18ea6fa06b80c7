"""Whatever bytes come in: an event, out of scope, or MalformedEvent. Never anything else."""

import json
import re
from collections.abc import Callable

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.decode import decode_claim, decode_history
from tests.property.decode_events import Json, claims, histories, spoilt, written

NOT_JSON, NOT_AN_OBJECT = DeadLetterReason.NOT_JSON, DeadLetterReason.NOT_AN_OBJECT

CLAIM = json.dumps(
    {
        "event_id": "e",
        "occurred_at": "2024-11-05T10:11:12Z",
        "claim_id": "c",
        "member_id": "m",
        "diagnoses": ["C92.10"],
        "service_lines": [
            {"line_number": 1, "procedure_code": "38242", "service_date": "2024-10-15"}
        ],
    }
).encode()
WHERE = re.compile(
    r"\$(?:\[[0-9]+\]|\.(?:event_id|occurred_at|claim_id|claim_version|claim_frequency_code|member_id"
    r"|line_of_business|plan_id|state|diagnoses|replaced_procedure_codes|service_lines|line_number"
    r"|procedure_code|service_date|service_date_end|diagnosis_pointers|procedure_description"
    r"|specified_as|donor_id|transplant_id|operation|transplant|type|status|transplant_date"
    r"|indication|medically_necessary))*"
)


def reasons(value: bytes) -> tuple[DeadLetterReason | None, DeadLetterReason | None]:
    """Why the value is malformed as a claim, and why as a history event."""
    faults = (tried(decode_claim, value), tried(decode_history, value))
    for fault in filter(None, faults):
        # Nothing of what was sent may reach a log: neither by the message, nor by an error that
        # hangs on to this one.
        assert WHERE.fullmatch(fault.where)
        assert str(fault) == f"{fault.reason.value} at {fault.where}"
        assert (fault.__context__, fault.__cause__) == (None, None)
    as_claim, as_history = (None if fault is None else fault.reason for fault in faults)
    return as_claim, as_history


def tried(decode: Callable[[bytes], object], value: bytes) -> MalformedEvent | None:
    try:
        decode(value)
    except MalformedEvent as malformed:
        return malformed
    return None


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x00")
@example(b"\x00\x00\x00\x00\x01")
@example(b"\xff\xfe")
def test_raises_nothing_but_malformed_event_when_bytes_are_arbitrary(value: bytes) -> None:
    reasons(value)


JSON_BYTES = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\u00", b"\\ud800", b"\x00", b"\xff"),
        *(b"null", b"true", b"NaN", b"Infinity", b"-", b"1", b"1e999", b"1" * 400, b"0.1", b" "),
        *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"38242", b"donor_lymphocyte", b'"service_lines":'),
        *(b'"procedure_code":', b'"38242"', b'"member_id":', b"[" * 2000, b'{"a":' * 2000),
    ]
)


@given(written(claims | histories | spoilt(claims) | spoilt(histories)), st.data())
def test_raises_nothing_but_malformed_event_when_event_is_cut_and_spliced(
    sent: tuple[Json, bytes], data: st.DataObject
) -> None:
    _, value = sent
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(value)))
        end = data.draw(st.integers(start, min(len(value), start + 20)))
        value = value[:start] + data.draw(JSON_BYTES | st.binary(max_size=4)) + value[end:]
    reasons(value)


@given(st.lists(JSON_BYTES, max_size=30).map(b"".join))
def test_raises_nothing_but_malformed_event_when_bytes_look_like_json(value: bytes) -> None:
    reasons(value)


@given(spoilt(claims).map(json.dumps).map(str.encode), st.binary(min_size=4, max_size=4))
def test_reads_a_claim_the_same_when_it_is_framed_or_has_blanks_around(
    value: bytes, schema_id: bytes
) -> None:
    bare = result(value)
    assert result(b" \n\t\r" + value + b" \n") == bare
    assert result(b"\x00" + schema_id + value) == bare


def result(value: bytes) -> object:
    try:
        return decode_claim(value)
    except MalformedEvent as malformed:
        return malformed.reason, malformed.where


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00", id="a zero byte"),
        pytest.param(b"\x00\x00\x00\x00\x07", id="a frame of nothing"),
        pytest.param(b"[" * 100_000, id="100,000 lists begun"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="100,000 lists"),
        pytest.param(b'{"a":' * 100_000, id="100,000 objects begun"),
        pytest.param(b'{"a":' * 1_500 + b"1" + b"}" * 1_500, id="1,500 objects"),
        pytest.param(b"\xef\xbb\xbf" + CLAIM, id="byte order mark"),
        pytest.param(CLAIM.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(CLAIM.decode().encode("utf-16-le"), id="UTF-16 without mark"),
        pytest.param(CLAIM.decode().encode("utf-32-le"), id="UTF-32"),
        pytest.param(CLAIM.replace(b'"e"', b'"\xff"'), id="a byte that is no UTF-8"),
        pytest.param(CLAIM.replace(b'"e"', b'"\xed\xa0\x80"'), id="an encoded surrogate"),
        pytest.param(CLAIM.replace(b'"e"', b'"\\ud800"'), id="a lone surrogate escaped"),
        pytest.param(CLAIM.replace(b'"e"', b'"\x00"'), id="a NUL in a string"),
        pytest.param(CLAIM.replace(b'"e"', b'"\n"'), id="a line break in a string"),
        pytest.param(CLAIM + b"\x00", id="a NUL behind"),
        pytest.param(CLAIM + CLAIM, id="two objects"),
        pytest.param(CLAIM[:-1] + b',"x":NaN}', id="NaN"),
        pytest.param(CLAIM[:-1] + b',"x":-Infinity}', id="infinity"),
        pytest.param(CLAIM[:-1] + b',"x":01}', id="a leading zero"),
        pytest.param(CLAIM[:-1] + b',"x":"\xff"}', id="no UTF-8 in a field nobody reads"),
        pytest.param(CLAIM[:-1] + b',"x":"\\ud800"}', id="lone surrogate in a field nobody reads"),
        pytest.param(CLAIM[:-1] + b',"\xff":1}', id="no UTF-8 in a name nobody knows"),
        pytest.param(CLAIM[:-1] + b",}", id="a comma too many"),
        pytest.param(CLAIM.replace(b'"', b"'"), id="single quotes"),
    ],
)
def test_is_not_json_when(value: bytes) -> None:
    assert reasons(value) == (NOT_JSON, NOT_JSON)
    assert reasons(b"\x00\x00\x00\x00\x07" + value) == (NOT_JSON, NOT_JSON)


@pytest.mark.parametrize("value", [b"[]", b'"38242"', b"38242", b"null", b"true", b"1e3"])
def test_is_not_an_object_when(value: bytes) -> None:
    assert reasons(value) == (NOT_AN_OBJECT, NOT_AN_OBJECT)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(b'"x":' + b"[" * 900 + b"]" * 900, id="900 levels"),
        pytest.param(b'"x":' + b"1" * 300, id="an integer of 300 digits"),
        pytest.param(b'"x":-1e308', id="nearly too large a number"),
        pytest.param(b'"x":0.' + b"1" * 5_000, id="5,000 digits behind the point"),
        pytest.param(b'"x":"\\u0000"', id="an escaped NUL"),
        pytest.param(b'"x":"\\ud83d\\ude00"', id="an escaped pair of surrogates"),
        pytest.param(
            b'"service_lines":[],"x":1,"service_lines":[{"line_number":1,'
            b'"procedure_code":"38242","service_date":"2024-10-15"}]',
            id="a name again",
        ),
        pytest.param(b'"event_id":7,"event_id":"e"', id="of equal names the last counts"),
        pytest.param('"x":"é\U0001f600"'.encode(), id="beyond ASCII"),
    ],
)
def test_is_a_claim_whatever_a_field_nobody_reads_holds(extra: bytes) -> None:
    value = CLAIM[:-1] + b"," + extra + b"}"
    assert decode_claim(value) == decode_claim(CLAIM)
    assert decode_claim(b"\x00\x00\x01\xff\xfe" + value) == decode_claim(CLAIM)


def test_last_of_equal_names_counts_as_for_other_readers() -> None:
    value = CLAIM[:-1] + b',"claim_version":1,"claim_version":3}'
    claim = decode_claim(value)
    assert claim is not None
    assert claim.claim_version == orjson.loads(value)["claim_version"] == 3
