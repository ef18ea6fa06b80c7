"""The row of a member's remembered claims."""

import itertools
from datetime import date

import msgspec
import pytest

from stream_app.domain.claim import Claim, ClaimFrequency, ServiceLine, SpecifiedAs
from stream_app.domain.codes import Icd10Code
from stream_app.domain.decision import Outcome
from stream_app.domain.instant import Instant
from stream_app.pipeline.remember import (
    LastDecision,
    MemberClaims,
    RememberedClaim,
    Source,
    Standing,
    pended,
)

DAY = 24 * 60
SOURCE = Source("claims.adjudication", 3, 2**40)
LINE = ServiceLine(
    1,
    "38242",
    date(2024, 10, 15),
    (Icd10Code("C9210"),),
    service_date_end=date(2024, 10, 16),
    specified_as=SpecifiedAs.COLLECTION,
    donor_id="DNR",
)


def claim(claim_id: str = "C", version: int = 1, minute: int = 0, event_id: str = "e") -> Claim:
    return Claim(event_id, Instant(minute, 0), claim_id, "MBR", (LINE,), version)


def row(*claims: Claim) -> MemberClaims:
    claims_row = MemberClaims()
    for each in claims:
        claims_row.remember(RememberedClaim(each, SOURCE, heard_minute=each.occurred_at.minute))
    return claims_row


def test_claim_is_newer_when_nothing_is_remembered_of_it() -> None:
    assert row(claim("other")).stands(claim()) is Standing.NEWER


@pytest.mark.parametrize(
    ("event", "standing"),
    [
        (claim(version=2, minute=5, event_id="e"), Standing.REDELIVERY),
        (claim(version=3, minute=0, event_id="a"), Standing.NEWER),
        (claim(version=1, minute=9, event_id="z"), Standing.OLDER),
        (claim(version=2, minute=6, event_id="a"), Standing.NEWER),
        (claim(version=2, minute=4, event_id="z"), Standing.OLDER),
        (claim(version=2, minute=5, event_id="f"), Standing.NEWER),
        (claim(version=2, minute=5, event_id="d"), Standing.OLDER),
    ],
)
def test_claim_stands_by_version_then_instant_then_event_id(
    event: Claim, standing: Standing
) -> None:
    assert row(claim(version=2, minute=5)).stands(event) is standing


def test_greatest_claim_stands_whatever_the_order() -> None:
    events = [claim(version=1, minute=9), claim(version=2), claim(version=2, minute=1)]
    for order in itertools.permutations(events):
        remembered = MemberClaims()
        for event in order:
            if remembered.stands(event) is Standing.NEWER:
                remembered.remember(RememberedClaim(event, SOURCE))
        assert remembered.get("C") == RememberedClaim(events[2], SOURCE)


def test_row_reads_back() -> None:
    full = RememberedClaim(
        msgspec.structs.replace(claim("A"), frequency=ClaimFrequency.VOID, plan_id="P"),
        SOURCE,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        drift=LastDecision("other", Outcome.DENY, (("DONOR_MISMATCH",), ()), 2, shadow=True),
        decision=LastDecision("id", Outcome.PEND, (("HISTORY_NOT_FOUND",),), 2),
    )
    claims = row(claim("B"))
    claims.remember(full)
    again = MemberClaims.from_bytes(claims.to_bytes())
    assert again.all() == claims.all() == (full, RememberedClaim(claim("B"), SOURCE))
    assert (full.is_void, claims.all()[1].is_void) == (True, False)
    assert again.to_bytes() == claims.to_bytes()


def test_row_is_the_same_bytes_whatever_the_order() -> None:
    assert row(claim("A"), claim("B")).to_bytes() == row(claim("B"), claim("A")).to_bytes()


def test_row_is_refused_when_it_is_of_an_unknown_layout() -> None:
    with pytest.raises(msgspec.ValidationError):
        MemberClaims.from_bytes(msgspec.msgpack.encode([3, {}]))


def test_row_of_the_first_layout_is_read_and_written_anew() -> None:
    remembered = [
        RememberedClaim(claim("A", version=2), SOURCE, heard_minute=7),
        RememberedClaim(claim("B"), SOURCE, decision=LastDecision("id", Outcome.PEND, ())),
    ]
    first = msgspec.msgpack.encode([1, {each.claim.claim_id: each for each in remembered}])
    claims = MemberClaims.from_bytes(first)
    assert claims.all() == tuple(remembered)
    again = claims.to_bytes()
    assert again[:2] == b"\x92\x02"
    assert MemberClaims.from_bytes(again).all() == tuple(remembered)


def test_row_keeps_what_nobody_looked_at_when_it_is_written_again() -> None:
    claims = MemberClaims.from_bytes(row(*map(claim, "ABC")).to_bytes())
    changed = RememberedClaim(claim("B", version=9), SOURCE)
    claims.remember(changed)
    found = {each.claim.claim_id: each for each in MemberClaims.from_bytes(claims.to_bytes()).all()}
    assert found == {each.claim.claim_id: each for each in row(*map(claim, "AC")).all()} | {
        "B": changed
    }


def test_prune_forgets_claims_older_than_the_age_and_no_younger_ones() -> None:
    claims = row(
        claim("old", minute=DAY - 1), claim("edge", minute=DAY), claim("new", minute=999 * DAY)
    )
    assert claims.prune(Instant(401 * DAY, 0), max_age_days=400, max_count=10) == 1
    assert [each.claim.claim_id for each in claims.all()] == ["edge", "new"]
    assert claims.prune(Instant(401 * DAY, 0), max_age_days=400, max_count=10) == 0


def test_prune_keeps_a_claim_of_years_ago_when_it_was_heard_just_now() -> None:
    """Or a backfill would be forgotten in the moment it is read, and a void be in vain."""
    claims = MemberClaims()
    claims.remember(RememberedClaim(claim(minute=0), SOURCE, heard_minute=4_000 * DAY))
    assert claims.prune(Instant(4_001 * DAY, 0), max_age_days=400, max_count=10) == 0
    assert claims.prune(Instant(4_401 * DAY, 0), max_age_days=400, max_count=10) == 1


def test_prune_forgets_the_oldest_when_there_are_too_many() -> None:
    claims = row(*(claim(claim_id, minute=minute) for minute, claim_id in enumerate("dacb")))
    assert claims.prune(Instant(9, 0), max_age_days=400, max_count=2) == 2
    assert [each.claim.claim_id for each in claims.all()] == ["b", "c"]
    assert len(claims) == 2


def test_shrink_forgets_the_oldest_until_the_row_fits() -> None:
    claims = row(*(claim(claim_id, minute=minute) for minute, claim_id in enumerate("dacb")))
    whole = len(claims.to_bytes())
    assert claims.shrink(whole) == 0
    assert claims.shrink(whole - 1) == 1
    assert [each.claim.claim_id for each in claims.all()] == ["a", "b", "c"]
    assert claims.shrink(1) == 3
    assert len(MemberClaims.from_bytes(claims.to_bytes())) == 0


def decided(outcome: Outcome, version: int = 1, *, shadow: bool = False) -> LastDecision:
    return LastDecision("id", outcome, (("CODE",),), version, shadow)


def test_pends_in_force_are_counted_when_a_row_is_looked_through() -> None:
    void = Claim("e", Instant(0, 0), "V", "MBR", (), 2, ClaimFrequency.VOID)
    claims = MemberClaims()
    for each, heard, decision in [
        (claim("a"), 50, decided(Outcome.PEND)),
        (claim("b"), 40, decided(Outcome.PEND)),
        (claim("c"), 10, decided(Outcome.DENY)),
        (claim("d", version=2), 10, decided(Outcome.PEND, 1)),
        (claim("e"), 10, decided(Outcome.PEND, shadow=True)),
        (claim("f"), 10, None),
        (void, 10, decided(Outcome.PEND, 2)),
    ]:
        claims.remember(RememberedClaim(each, SOURCE, heard, None, decision))
    found = pended(claims.to_bytes(), shadow=False)
    assert (found.claims, found.since_minute) == (2, 40)
    found = pended(claims.to_bytes(), shadow=True)
    assert (found.claims, found.since_minute) == (1, 10)


def test_no_pend_is_counted_when_a_text_of_the_claim_says_pend() -> None:
    text = ServiceLine(1, "86999", date(2024, 1, 1), (), procedure_description="pend")
    claims = MemberClaims()
    event = Claim("pend", Instant(0, 0), "pend", "MBR", (text,))
    claims.remember(RememberedClaim(event, SOURCE, 5, None, decided(Outcome.APPROVE)))
    assert pended(claims.to_bytes(), shadow=False).claims == 0
    assert pended(MemberClaims().to_bytes(), shadow=False).claims == 0
