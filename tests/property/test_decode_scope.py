"""The scan's predicate lets through every event that concerns the guideline, however written.

2-events.md, "What the scan reads": one of the codes as a token, `donor_lymphocyte`, or an escape
`\\u00`. So: any event with a line code that reads 38242 or 86999 as trimmed text, with a
`specified_as` of the contract, or with `replaced_procedure_codes` naming those codes.
"""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.domain.claim import SpecifiedAs
from stream_app.pipeline.decode import decode_claim
from stream_app.pipeline.scope import PROCEDURE_CODES, is_in_scope, may_be_in_scope
from tests.property.decode_events import BLANKS, Json, claims, in_scope, spoilt, written

BLANK = "".join(BLANKS)
code = st.sampled_from(sorted(PROCEDURE_CODES))
padded = st.builds("{}{}{}".format, st.text(BLANK), code, st.text(BLANK))


SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r", "\f": r"\f", "\b": r"\b", "/": r"\/"}


def spellings(character: str) -> list[str]:
    """Every way to write a character inside of a JSON string."""
    units = character.encode("utf-16-be").hex()
    quads = [units[at : at + 4] for at in range(0, len(units), 4)]
    ways = [
        "".join(f"\\u{quad}" for quad in quads),
        "".join(f"\\u{quad.upper()}" for quad in quads),
    ]
    if character in SHORT:
        ways.append(SHORT[character])
    if character >= " " and character not in '"\\':
        ways.append(character)
    return ways


@st.composite
def escaped(draw: st.DrawFn, text: str) -> str:
    """A JSON string that reads as the text: each character plain or in any of its escapes."""
    return '"' + "".join(draw(st.sampled_from(spellings(each))) for each in text) + '"'


@pytest.mark.parametrize("blank", BLANKS, ids=lambda blank: f"U+{ord(blank):04X}")
def test_passes_when_a_blank_stands_right_beside_a_code_however_it_is_spelt(blank: str) -> None:
    for spelt in spellings(blank):
        for text in (f"{spelt}38242", f"86999{spelt}", f"{spelt}{spelt}86999{spelt}"):
            value = f'{{"service_lines":[{{"procedure_code":"{text}"}}]}}'
            assert is_in_scope(json.loads(value))
            assert may_be_in_scope(value.encode())


@given(padded, st.data())
def test_passes_when_a_code_is_padded_and_escaped_in_any_way(
    text: str, data: st.DataObject
) -> None:
    name = data.draw(escaped("procedure_code"))
    value = f'{{"service_lines":[{{{name}:{data.draw(escaped(text))}}}]}}'
    assert is_in_scope(json.loads(value))
    assert may_be_in_scope(value.encode())


@given(code, st.sampled_from(["", " ", "\n", "\t"]), st.sampled_from(["", " ", "\r"]))
def test_passes_when_a_code_is_sent_as_a_number(number: str, before: str, after: str) -> None:
    value = f'{{"service_lines":[{{"procedure_code":{before}{number}{after}}}]}}'
    assert is_in_scope(json.loads(value))
    assert may_be_in_scope(value.encode())


@given(st.sampled_from(SpecifiedAs), st.data())
def test_passes_when_a_line_is_specified_as_in_the_contract(
    specified_as: SpecifiedAs, data: st.DataObject
) -> None:
    name, word = data.draw(escaped("specified_as")), data.draw(escaped(specified_as.value))
    value = f'{{"service_lines":[{{"procedure_code":"38205",{name}:{word}}}]}}'
    assert is_in_scope(json.loads(value))
    assert may_be_in_scope(value.encode())


@given(padded, st.data())
def test_passes_when_replaced_procedure_codes_name_a_code(text: str, data: st.DataObject) -> None:
    value = f'{{"replaced_procedure_codes":["99213",{data.draw(escaped(text))}]}}'
    assert is_in_scope(json.loads(value))
    assert may_be_in_scope(value.encode())


@given(written(claims))
def test_passes_every_valid_claim_that_has_in_scope_lines(sent: tuple[Json, bytes]) -> None:
    event, value = sent
    if any(in_scope({"service_lines": [line]}) for line in event["service_lines"]):
        assert may_be_in_scope(value)


@given(written(claims | spoilt(claims)))
def test_what_the_scan_skips_is_out_of_scope_but_for_the_two_documented_gaps(
    sent: tuple[Json, bytes],
) -> None:
    event, value = sent
    if may_be_in_scope(value) or not isinstance(event, dict) or not in_scope(event):
        return
    event.pop("replaced_procedure_codes", None)
    lines = event.get("service_lines")
    for line in lines if isinstance(lines, list) else [lines]:
        if isinstance(line, dict):
            line.pop("specified_as", None)
    assert not in_scope(event)


@given(st.binary(max_size=40) | st.from_regex(rb"[\x00-\xff]{0,7}(38242|86999)[\x00-\xff]{0,7}"))
def test_decides_as_the_design_words_it_when_bytes_are_arbitrary(value: bytes) -> None:
    """Independent wording: cut at whatever is no ASCII letter or digit, with escaped blanks cut."""
    unescaped = re.sub(rb"\\(u[0-9A-Fa-f]{4}|[tnrf])(?=38242|86999)", b" ", value)
    tokens = set(re.split(rb"[^0-9A-Za-z]", value)) | set(re.split(rb"[^0-9A-Za-z]", unescaped))
    expected = (
        bool(tokens & {b"38242", b"86999"}) or b"donor_lymphocyte" in value or b"\\u00" in value
    )
    assert may_be_in_scope(value) is expected


@pytest.mark.parametrize(
    "value",
    [
        b'{"procedure_code":"38242"}',
        b'{"procedure_code": 86999}',
        b'{"procedure_code":"\\t38242"}',
        b'{"procedure_code":"\\u300038242\\n"}',
        b"38242",
        "é38242é".encode(),
        b"_38242-",
        b"138242 38242",
        b"donor_lymphocyte",
        b"\\u0033",
        b"\\u0061",
    ],
)
def test_may_be_in_scope_when(value: bytes) -> None:
    assert may_be_in_scope(value)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b'{"claim_id":"C38242"}',
        b'{"claim_id":"382421"}',
        b'{"claim_id":"138242"}',
        b'{"claim_id":"38242A"}',
        b'{"charge_amount":86999e2}',
        b'{"note":"\\b38242"}',
        b'{"note":"\\u1234"}',
        b'{"note":"u300038242"}',
        b'{"note":"t38242"}',
        b"Donor_Lymphocyte",
    ],
)
def test_cannot_be_in_scope_when(value: bytes) -> None:
    assert not may_be_in_scope(value)


def test_decoder_and_loose_judgement_agree_on_the_two_gaps() -> None:
    """The scan skips them, `adjudicate` reads them; scope.py tells why."""
    specified = b'{"service_lines":[{"procedure_code":"38205","specified_as":"collection"}]}'
    replaced = b'{"replaced_procedure_codes":["99213"]}'
    for value in (specified, replaced):
        assert is_in_scope(json.loads(value))
        assert not may_be_in_scope(value)
    assert decode_claim(b'{"service_lines":[{"procedure_code":"38205"}]}') is None
