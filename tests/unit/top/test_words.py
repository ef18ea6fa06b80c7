"""Figures in a few columns."""

import math

import pytest

from stream_app.top.words import number, percent, seconds, size


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "1"), (1.234, "1.23"), (12.6, "13"), (1_234_567.0, "1,234,567")],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.00 %"),
        (1.0, "100.00 %"),
        (0.5, "50.00 %"),
        (0.999_99, "> 99.99 %"),
        (0.000_01, "< 0.01 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 s"),
        (0.000_5, "0.5 ms"),
        (0.25, "250 ms"),
        (1.5, "1.5 s"),
        (119.0, "119 s"),
        (600.0, "10 min"),
        (10_800.0, "3.0 h"),
        (864_000.0, "10 d"),
    ],
)
def test_times(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (25e6, "25 MB"), (3.2e12, "3.2 TB")],
)
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text


def test_what_is_not_known_is_a_dash() -> None:
    assert {number(math.nan), percent(math.nan), seconds(math.nan), size(math.nan)} == {"-"}
