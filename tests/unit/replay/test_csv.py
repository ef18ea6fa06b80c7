"""The CSV has every changed line, and no cell that a spreadsheet would run."""

import csv
import io

import pytest
from hypothesis import given

from stream_app.replay.compared import Cause
from stream_app.replay.csv_out import COLUMNS, write_csv
from stream_app.replay.diff import report
from tests.unit.replay.rows import APPROVE, DENY, FACTS, PEND, decided, line, plain, row, rows


def written(*made):
    file = io.StringIO(newline="")
    count = write_csv(made, file)
    head, *lines = csv.reader(io.StringIO(file.getvalue(), newline=""), strict=True)
    assert head == list(COLUMNS)
    assert count == len(lines)
    return [dict(zip(COLUMNS, each, strict=True)) for each in lines]


def test_a_changed_line_is_a_row_with_both_sides():
    (told,) = written(
        row(
            decided(line(PEND, "DONOR_UNKNOWN", "INDICATION_UNKNOWN", version="2023-06-28")),
            decided(line(DENY)),
        )
    )

    assert told["claim_id"] == "claim-1"
    assert (told["claim_before"], told["claim_after"], told["cause"]) == ("pend", "deny", "policy")
    assert (told["line_before"], told["line_after"]) == ("pend", "deny")
    assert told["first_reason_before"] == "DONOR_UNKNOWN"
    assert told["reasons_before"] == "DONOR_UNKNOWN INDICATION_UNKNOWN"
    assert told["reasons_after"] == "DIAGNOSIS_NOT_LISTED"
    assert (told["policy_version_before"], told["policy_version_after"]) == (
        "2023-06-28",
        "2024-10-01",
    )
    assert "member-1" not in told.values()


def test_unchanged_claims_and_lines_are_left_out():
    told = written(
        plain(PEND, PEND),
        row(decided(line(PEND), line(PEND, number=2)), decided(line(PEND), line(DENY, number=2))),
    )

    assert [each["line_number"] for each in told] == ["2"]


def test_a_side_without_a_decision_is_empty():
    undecided, no_longer = written(plain(None, APPROVE), plain(DENY, None))

    assert (undecided["claim_before"], undecided["line_before"]) == ("", "")
    assert (no_longer["claim_after"], no_longer["line_after"]) == ("", "")


@pytest.mark.parametrize("first", list("=+-@＝＋－＠"))  # noqa: RUF001 - the full-width forms
@pytest.mark.parametrize("blanks", ["", " ", "\u00a0", "\t ", "\r"])
def test_a_formula_is_text_when_a_claim_id_begins_like_one(first, blanks):
    claim_id = f'{blanks}{first}HYPERLINK("http://x","y")'

    (told,) = written(plain(PEND, DENY, claim_id=claim_id))

    assert told["claim_id"] == f"'{claim_id}"


def test_quotes_commas_and_line_ends_come_back_as_they_were():
    claim_id = 'a"b,c\r\nd\ne'

    (told,) = written(plain(PEND, DENY, claim_id=claim_id))

    assert told["claim_id"] == claim_id


def test_lines_end_as_rfc_4180_has_it():
    file = io.StringIO(newline="")
    write_csv([plain(PEND, DENY)], file)

    assert file.getvalue().count("\r\n") == 2
    assert file.getvalue().endswith("\r\n")


@given(rows())
def test_it_has_the_lines_that_the_report_counts_when_made_of_any_rows(made):
    told = written(*made)

    assert len(told) == report(made, FACTS).lines_changed
    assert not any(cell.startswith(tuple("=+-@\t\r")) for each in told for cell in each.values())


def test_no_changed_claim_is_left_out_when_none_of_its_lines_differs():
    made = plain(PEND, PEND, cause=Cause.POLICY)

    assert len(written(made)) == 1
    assert report([made], FACTS).lines_changed == 1
