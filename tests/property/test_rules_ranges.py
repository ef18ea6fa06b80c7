"""What a range holds, against brute force over the whole table."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.domain.codes import dotted
from stream_app.policy.model import GuidelineVersion
from stream_app.rules.diagnosis import DiagnosisRule, Finding
from stream_app.rules.settings import DecisionSettings
from tests.property.rules_strategies import POLICIES

TABLE = POLICIES.icd10cm
RULES = {
    version.version: DiagnosisRule(version, TABLE, DecisionSettings())
    for version in POLICIES.versions
}
CHANGES = sorted(
    {row.valid_from for row in TABLE.rows if row.valid_from}
    | {row.valid_through + timedelta(days=1) for row in TABLE.rows if row.valid_through}
    | {version.effective_from for version in POLICIES.versions}
)


def assert_membership(version: GuidelineVersion, on: date) -> None:
    """The design: ends included, in tabular order, over the codes valid on the day."""
    valid = [row.code for row in TABLE.rows if row.valid_on(on)]
    listed: dict[str, str] = {}
    for row in version.diagnosis_ranges:
        if row.first in valid and row.last in valid:
            inside = valid[valid.index(row.first) : valid.index(row.last) + 1]
            listed |= dict.fromkeys(inside, f"{dotted(row.first)}-{dotted(row.last)}")
    rule = RULES[version.version]
    for row in TABLE.rows:
        found = rule.look_up(row.code, on)
        assert (row.code, found.evidence["range"]) == (row.code, listed.get(row.code))
        assert (found.finding is Finding.LISTED) is (row.code in listed)
        assert found.evidence["valid"] is row.valid_on(on)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_ranges_hold_what_brute_force_finds_when_the_day_is_near_a_change(
    change: date, shift: int
) -> None:
    on = change + timedelta(days=shift)
    version = POLICIES.in_force(on)
    if version is not None:
        assert_membership(version, on)


@given(st.dates(date(2023, 6, 28), date(2035, 12, 31)))
def test_ranges_hold_what_brute_force_finds_when_the_day_is_any(on: date) -> None:
    version = POLICIES.in_force(on)
    assert version is not None
    assert_membership(version, on)


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)))
def test_version_in_force_is_the_latest_begun_when_the_day_is_any(on: date) -> None:
    begun = [version for version in POLICIES.versions if version.effective_from <= on]
    assert POLICIES.in_force(on) == (begun[-1] if begun else None)


def test_versions_follow_each_other_without_gap_or_overlap() -> None:
    for version, following in pairwise(POLICIES.versions):
        assert version.effective_through is not None
        assert version.effective_through + timedelta(days=1) == following.effective_from
    assert POLICIES.versions[-1].effective_through is None
