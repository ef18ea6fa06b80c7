"""The plots leave no month out and fit what they show."""

import pytest

from stream_app.replay.diff_model import Group
from stream_app.replay.page_plots import MOST_COLUMNS, columns, rows


def group(value, approve=0, deny=0, **more):
    counts = {"to_pend": 0, "other_reasons": 0, "to_none": 0} | more
    return Group(value=value, claims=100, to_approve=approve, to_deny=deny, **counts)


def test_months_without_claims_are_shown_as_nothing():
    plot = columns([group("2023-11", 1), group("2024-02", 2)])

    assert [each.label for each in plot.columns] == ["2023-11", "2023-12", "2024-01", "2024-02"]
    assert [each.group.changed for each in plot.columns] == [1, 0, 0, 2]


def test_years_are_shown_when_there_are_too_many_months():
    plot = columns([group("2010-01", 1), group("2010-12", 2), group("2024-02", 4)])

    assert plot.by_year
    assert [(each.label, each.group.changed) for each in plot.columns] == [
        ("2010", 3),
        ("2024", 4),
    ]


def test_months_are_shown_as_long_as_there_is_room():
    months = [group(f"{2000 + at // 12}-{at % 12 + 1:02}", 1) for at in range(MOST_COLUMNS)]

    assert not columns(months).by_year
    assert columns([*months, group("2006-01", 1)]).by_year


@pytest.mark.parametrize("months", [[], [group("2024-01")], [group(None, 5)], [group("soon", 5)]])
def test_there_is_no_plot_when_no_month_has_changes(months):
    assert columns(months) is None


@pytest.mark.parametrize(
    ("greatest", "scale"),
    [
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (999, [0, 500, 1000]),
        (23, [0, 10, 20, 30]),
    ],
)
def test_scale_is_of_round_numbers_and_holds_the_greatest(greatest, scale):
    plot = columns([group("2024-01", greatest)])

    assert [value for _, value in plot.scale] == scale


def test_parts_of_a_bar_stand_on_one_another_and_within_the_plot():
    (column,) = columns([group("2024-01", 3, 1, to_none=2)]).columns
    plot = columns([group("2024-01", 3, 1, to_none=2)])

    top = plot.bottom
    for part in column.segments:
        assert part.start + part.size == pytest.approx(top)
        top = part.start
    assert [part.claims for part in column.segments] == [3, 1, 2]
    assert top >= plot.scale[-1][0]


def test_the_longest_row_fills_its_place_and_the_others_are_to_its_scale():
    long, short = rows([group("a", 6, 2), group("b", 2), group("c")])

    assert [(part.start, part.size) for part in long.segments] == [(0, 75), (75, 25)]
    assert [(part.start, part.size) for part in short.segments] == [(0, 25)]
