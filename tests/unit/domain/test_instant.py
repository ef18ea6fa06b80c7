"""Dates and date-times: RFC 3339 to the letter, ordered exactly."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_app.domain.instant import Instant, parse_date, parse_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=offsets))
def test_instant_is_the_one_that_datetime_reads(moment: datetime) -> None:
    instant = parse_instant(moment.isoformat())
    assert instant is not None
    assert instant.minute == (moment - EPOCH) // timedelta(minutes=1)
    assert instant.second == moment.second
    assert instant.fraction == f"{moment.microsecond:06}".rstrip("0")


@given(st.datetimes())
def test_instant_is_the_same_when_utc_is_written_as_z(moment: datetime) -> None:
    instant = parse_instant(f"{moment.isoformat()}Z")
    assert instant is not None
    assert instant == parse_instant(f"{moment.isoformat()}+00:00")


def test_instants_order_beyond_microseconds_and_across_offsets() -> None:
    in_order = [
        "2016-12-31T23:59:59.999999999998Z",
        "2017-01-01T00:59:59.999999999999+01:00",
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:60.5Z",
        "2016-12-31T18:00:00-06:00",
        "2017-01-01T00:00:00.1Z",
        "2017-01-01T00:00:00.11Z",
        "2017-01-01T00:00:00.2Z",
    ]
    instants = [parse_instant(text) for text in in_order]
    assert None not in instants
    assert all(earlier < later for earlier, later in pairwise(instants))


@pytest.mark.parametrize(
    "text",
    ["2024-01-01T00:00:00Z", "2024-01-01t00:00:00.000z", "2023-12-31T23:00:00.00-01:00"],
)
def test_instants_are_equal_when_written_otherwise(text: str) -> None:
    assert parse_instant(text) == Instant(28_401_120, 0, "")


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00.5",
        "2024-01-01T00:00:00,5Z",
        "2024-01-01T00:00:00.5 Z",
        "2024-01-01T00:00:00.\u0663Z",
        "2024-01-01T00:00:00.-5Z",
        "2024-01-01T00:00:61.5Z",
        "2024-01-32T00:00:00.5Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:60Z",
        "2016-12-31T22:59:60Z",
        "2016-12-31T23:59:60+00:01",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+0100",
        "2024-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z\n",
        " 2024-01-01T00:00:00Z",
        "٢٠٢٤-01-01T00:00:00Z",
    ],
)
def test_no_instant_when_text_is_no_rfc_3339_date_time(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("2023-02-29", "2100-02-29", "2024-13-01", "2024-00-01", "2024-1-1", "20240101", ""),
        *("0000-01-01", "2024-W01-1", "2024-01-01\n", "٢٠٢٤-01-01", "2024-01-01T00:00:00Z"),
    ],
)
def test_no_date_when_text_is_no_calendar_date(text: str) -> None:
    assert parse_date(text) is None


@given(st.dates())
def test_date_reads_back(day: date) -> None:
    assert parse_date(day.isoformat()) == day
