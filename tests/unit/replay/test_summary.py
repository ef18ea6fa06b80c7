"""The few lines a job ends with."""

from stream_app.replay.diff import report
from stream_app.replay.summary import summary
from tests.unit.replay.rows import APPROVE, DENY, FACTS, PEND, decided, line, plain, row


def printed(*rows, moved_on: int = 0, too_large: int = 0, unsure: int = 0) -> str:
    lines = summary(report(rows, FACTS), moved_on=moved_on, too_large=too_large, unsure=unsure)
    return "\n".join(lines)


def test_matrix_and_reasons_are_told_when_claims_changed():
    other = row(decided(line(PEND, "DONOR_UNKNOWN")), decided(line(PEND, "HISTORY_NOT_FOUND")))
    text = printed(plain(APPROVE, APPROVE), plain(PEND, DENY), other)
    assert "3 claims compared, 2 decided otherwise now" in text
    assert "1 (1 by other reasons)" in text
    assert "DONOR_UNKNOWN -> HISTORY_NOT_FOUND" in text
    assert "HISTORY_NOT_FOUND -> DIAGNOSIS_NOT_LISTED" in text


def test_claims_without_a_decision_have_a_column_only_when_there_are_some():
    assert "no decision" not in printed(plain(APPROVE, APPROVE))
    assert "no decision" in printed(plain(None, APPROVE))


def test_fault_is_shouted_when_a_claim_gave_two_ids():
    text = printed(plain(APPROVE, APPROVE, reproducible=False))
    assert "NOT REPRODUCIBLE: 1 claims" in text
    assert "same id" not in text


def test_what_is_left_out_is_told_when_anything_is():
    text = printed(plain(APPROVE, DENY), moved_on=4, too_large=2, unsure=3)
    assert "4 more have an event within the bounds" in text
    assert "2 claims are too large to be handed over" in text
    assert "3 claims without a decision are not handed over" in text


def test_nothing_is_claimed_when_nothing_was_compared():
    assert printed() == "0 claims compared, 0 decided otherwise now"


def test_no_claim_or_member_is_named_when_it_is_printed():
    text = printed(plain(APPROVE, DENY))
    assert "claim-1" not in text
    assert "member-1" not in text
