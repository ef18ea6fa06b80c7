"""What a job compared is counted in full, listed in part, and never kept."""

import json
import tracemalloc
from collections import Counter
from itertools import product

import pytest
from hypothesis import given

from stream_app.replay.compared import Cause
from stream_app.replay.diff import MOST_LINES_OF_BUSINESS, MOST_SOURCES, report
from tests.contract.contracts import REPLAY_REPORT, fits
from tests.unit.replay.rows import APPROVE, DENY, FACTS, PEND, decided, line, plain, row, rows


def cell(found, before, after):
    return next(each for each in found.transitions if (each.before, each.after) == (before, after))


def groups(found_groups):
    return {(each.value, each.rest): (each.claims, each.changed) for each in found_groups}


@given(rows())
def test_every_sum_agrees_and_the_report_fits_its_schema_when_made_of_any_rows(compared):
    found = report(compared, FACTS)

    changed = [each for each in compared if each.changed]
    assert (found.compared, found.changed) == (len(compared), len(changed))
    assert found.unchanged == len(compared) - len(changed)
    assert sum(each.claims for each in found.transitions) == len(compared)
    assert sum(each.changed for each in found.transitions) == len(changed)
    assert {each.cause: each.claims for each in found.causes if each.claims} == Counter(
        each.cause for each in changed
    )
    for kind in (found.months, found.lines_of_business):
        assert sum(each.claims for each in kind) == len(compared)
        assert sum(each.changed for each in kind) == len(changed)
    assert sum(each.lines for each in found.policy_versions) == found.lines_compared
    assert sum(each.changed for each in found.policy_versions) == found.lines_changed
    assert sum(each.lines for each in found.reasons) == found.lines_changed
    assert found.irreproducible == sum(not each.reproducible for each in compared)
    assert sorted(each.claim_id for each in found.changes) == sorted(
        each.claim_id for each in changed
    )
    assert fits(REPLAY_REPORT, json.loads(found.to_json()))


@pytest.mark.parametrize(("before", "after"), list(product([APPROVE, DENY, PEND, None], repeat=2)))
def test_a_claim_is_in_the_cell_of_its_two_outcomes(before, after):
    found = report([plain(before, after)], FACTS)

    assert len(found.transitions) == 16
    here = cell(found, before, after)
    assert (here.claims, here.changed) == (1, int(before is not after))
    assert sum(each.claims for each in found.transitions) == 1


def test_same_outcome_counts_as_changed_when_the_reasons_differ():
    found = report(
        [
            row(decided(line(PEND, "DONOR_UNKNOWN")), decided(line(PEND, "INDICATION_UNKNOWN"))),
            plain(PEND, PEND),
        ],
        FACTS,
    )

    assert (cell(found, PEND, PEND).claims, cell(found, PEND, PEND).changed) == (2, 1)
    assert found.months[0].other_reasons == 1


def test_nothing_is_changed_when_only_the_policy_version_is_another():
    found = report(
        [row(decided(line(PEND, version="2023-06-28")), decided(line(PEND)))],
        FACTS,
    )

    assert (found.changed, found.lines_changed, found.changes) == (0, 0, ())
    version = found.policy_versions[0]
    assert (version.before, version.after, version.lines) == ("2023-06-28", "2024-10-01", 1)


def test_a_line_is_left_out_when_only_its_policy_version_is_another():
    before = decided(line(APPROVE, version="2023-06-28"), line(PEND, number=2))
    after = decided(line(APPROVE), line(DENY, number=2))

    found = report([row(before, after)], FACTS)

    assert [each.line_number for each in found.changes[0].lines] == [2]
    assert found.lines_changed == 1


def test_only_the_lines_that_change_are_listed_when_a_claim_has_several():
    before = decided(line(APPROVE), line(PEND, number=2), line(DENY, number=4))
    after = decided(line(APPROVE), line(APPROVE, number=2), line(PEND, number=3))

    (change,) = report([row(before, after)], FACTS).changes

    assert [
        (each.line_number, each.before and each.before.decision, each.after and each.after.decision)
        for each in change.lines
    ] == [(2, PEND, APPROVE), (3, None, PEND), (4, DENY, None)]


def test_lines_are_counted_by_first_reason_before_and_now():
    found = report(
        [
            row(decided(line(PEND, "DONOR_UNKNOWN", "INDICATION_UNKNOWN")), decided(line(DENY))),
            row(decided(line(PEND, "DONOR_UNKNOWN")), decided(line(DENY))),
            row(decided(line(PEND, "DONOR_UNKNOWN", "A")), decided(line(PEND, "DONOR_UNKNOWN"))),
            plain(None, PEND),
        ],
        FACTS,
    )

    assert [(each.before, each.after, each.lines) for each in found.reasons] == [
        ("DONOR_UNKNOWN", "DIAGNOSIS_NOT_LISTED", 2),
        ("DONOR_UNKNOWN", "DONOR_UNKNOWN", 1),
        (None, "HISTORY_NOT_FOUND", 1),
    ]


def test_rare_kinds_are_listed_whole_when_there_is_no_room_for_all():
    many = [plain(PEND, APPROVE, claim_id=f"many-{number}") for number in range(500)]
    few = [plain(APPROVE, DENY, claim_id=f"few-{number}") for number in range(3)]

    found = report([*many, *few], FACTS, most_changes=20)

    assert len(found.changes) == 20
    assert sum(each.after is DENY for each in found.changes) == 3
    assert found.changed == 503


def test_listed_claims_are_in_order_of_month_and_id_whatever_the_order_of_rows():
    made = [
        plain(PEND, APPROVE, claim_id=claim, service_month=month)
        for claim, month in [("b", "2024-10"), ("c", "2023-07"), ("a", "2024-10")]
    ]

    assert [each.claim_id for each in report(made, FACTS).changes] == ["c", "a", "b"]
    assert report(made, FACTS) == report(made[::-1], FACTS)


def test_what_comes_after_many_lines_of_business_is_the_rest():
    names = [f"business-{number}" for number in range(MOST_LINES_OF_BUSINESS + 5)]
    made = [plain(PEND, APPROVE, line_of_business=name) for name in [*names, *names, None]]

    found = report(made, FACTS).lines_of_business

    assert len(found) == MOST_LINES_OF_BUSINESS + 1
    assert groups(found)[None, True] == (11, 11)
    assert found[-1].rest


def test_a_line_of_business_not_given_is_a_group_of_its_own():
    found = report([plain(PEND, PEND, line_of_business=None), plain(PEND, DENY)], FACTS)

    assert groups(found.lines_of_business) == {
        ("commercial", False): (1, 1),
        (None, False): (1, 0),
    }


def test_disagreements_are_counted_all_and_placed_in_part():
    made = [
        plain(PEND, PEND, reproducible=False, offset=offset) for offset in range(MOST_SOURCES + 1)
    ]

    found = report(made, FACTS)

    assert found.irreproducible == MOST_SOURCES + 1
    assert [each.offset for each in found.irreproducible_sources] == list(range(MOST_SOURCES))


def test_no_member_is_named_when_a_report_is_written():
    assert b"member-1" not in report([plain(PEND, DENY)], FACTS).to_json()


def test_memory_is_flat_when_rows_are_many():
    """Fifty times the rows, all of them changed, take no more room."""

    def peak(number: int) -> int:
        tracemalloc.start()
        report(
            (plain(PEND, APPROVE, claim_id=f"c{i}") for i in range(number)), FACTS, most_changes=50
        )
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(5_000) < 2 * peak(100)


def test_causes_are_all_named_when_none_applies():
    assert [each.cause for each in report([], FACTS).causes] == [
        Cause.HISTORY,
        Cause.POLICY,
        Cause.UNDECIDED,
        Cause.NOT_DECIDABLE,
    ]
