"""The decoder is as strict as the schema, neither more nor less.

The judges are two JSON Schema validators (of Rust and of Python) and a plain reading of what the
design says beyond the schema: what is in scope, and what contradicts itself.
"""

from hypothesis import given

from stream_app.errors import DeadLetterReason, MalformedEvent
from stream_app.pipeline.address import member_in_scope
from stream_app.pipeline.decode import decode_claim, decode_history
from tests.contract.contracts import CLAIM, HISTORY, fits, schema
from tests.property.decode_events import (
    Json,
    claims,
    contradicts_itself,
    histories,
    in_scope,
    spoilt,
    written,
)
from tests.property.from_schema import from_schema

OUT_OF_SCOPE, CLAIM_DECODED = "out of scope", "claim"


def verdict(value: bytes) -> str:
    """The decoder's; the first hop has to come to the same without building the claim."""
    address: tuple[str | None, str]
    try:
        claim = decode_claim(value)
        address = (None, "") if claim is None else (claim.member_id, "")
        found = OUT_OF_SCOPE if claim is None else CLAIM_DECODED
    except MalformedEvent as malformed:
        address, found = (None, str(malformed)), malformed.reason
    assert addressed(value) == address
    return found


def addressed(value: bytes) -> tuple[str | None, str]:
    try:
        return member_in_scope(value), ""
    except MalformedEvent as malformed:
        return None, str(malformed)


def verdict_by_the_book(event: Json) -> str:
    if not isinstance(event, dict):
        return DeadLetterReason.NOT_AN_OBJECT
    if not in_scope(event):
        return OUT_OF_SCOPE
    if not fits(CLAIM, event):
        return DeadLetterReason.SCHEMA_VIOLATION
    return DeadLetterReason.INCONSISTENT if contradicts_itself(event) else CLAIM_DECODED


@given(written(claims))
def test_agrees_with_schema_when_claim_is_valid(sent: tuple[Json, bytes]) -> None:
    event, value = sent
    assert fits(CLAIM, event)
    assert verdict(value) == verdict_by_the_book(event)


@given(written(spoilt(claims)))
def test_agrees_with_schema_when_claim_is_spoilt(sent: tuple[Json, bytes]) -> None:
    event, value = sent
    assert verdict(value) == verdict_by_the_book(event)


@given(written(from_schema(schema(CLAIM))))
def test_agrees_with_schema_when_claim_is_made_from_it(sent: tuple[Json, bytes]) -> None:
    event, value = sent
    assert verdict(value) == verdict_by_the_book(event)


def history_verdict(value: bytes) -> str | None:
    try:
        decode_history(value)
    except MalformedEvent as malformed:
        return malformed.reason
    return None


def history_verdict_by_the_book(event: Json) -> str | None:
    if not isinstance(event, dict):
        return DeadLetterReason.NOT_AN_OBJECT
    return None if fits(HISTORY, event) else DeadLetterReason.SCHEMA_VIOLATION


@given(written(histories))
def test_agrees_with_schema_when_history_is_valid(sent: tuple[Json, bytes]) -> None:
    event, value = sent
    assert fits(HISTORY, event)
    assert history_verdict(value) is None


@given(written(spoilt(histories)))
def test_agrees_with_schema_when_history_is_spoilt(sent: tuple[Json, bytes]) -> None:
    event, value = sent
    assert history_verdict(value) == history_verdict_by_the_book(event)


@given(written(from_schema(schema(HISTORY))))
def test_agrees_with_schema_when_history_is_made_from_it(sent: tuple[Json, bytes]) -> None:
    _, value = sent
    assert history_verdict(value) is None
