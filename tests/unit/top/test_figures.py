"""Figures over several workers, two looks each."""

import math

import pytest

from stream_app.top.figures import Figures, Look
from stream_app.top.scrape import Sample, Scrape


def scrape(at: float, **metrics: object) -> Scrape:
    samples = {
        name: [Sample(labels, value) for labels, value in series]
        if isinstance(series, list)
        else [Sample({}, float(series))]
        for name, series in metrics.items()
    }
    return Scrape("http://w", at, samples)


def buckets(**counts: float) -> list[tuple[dict[str, str], float]]:
    return [({"le": le.replace("_", ".").replace("inf", "+Inf")}, n) for le, n in counts.items()]


def test_rates_are_summed_over_workers_when_each_has_a_time_of_its_own() -> None:
    figures = Figures(
        [
            Look(scrape(10.0, read_total=300), scrape(8.0, read_total=100)),
            Look(scrape(11.0, read_total=50), scrape(10.0, read_total=40)),
        ]
    )
    assert figures.rate("read_total") == 110
    assert figures.grown("read_total") == 210


def test_rate_is_unknown_when_it_is_the_first_look() -> None:
    figures = Figures([Look(scrape(10.0, read_total=300), None)])
    assert math.isnan(figures.rate("read_total"))
    assert math.isnan(figures.share("read_total", "read_total"))
    assert figures.total("read_total") == 300


def test_a_counter_grew_by_what_it_has_when_its_worker_was_started_anew() -> None:
    figures = Figures([Look(scrape(10.0, read_total=30), scrape(9.0, read_total=1_000))])
    assert figures.rate("read_total") == 30


def test_nothing_is_taken_from_a_worker_when_it_does_not_answer() -> None:
    silent = Scrape("http://x", 10.0, fault="no answer")
    figures = Figures([Look(scrape(10.0, ready=1), None), Look(silent, None)])
    assert len(figures.looks) == 1
    assert figures.total("ready") == 1


@pytest.mark.parametrize(("q", "expected"), [(0.5, 0.5), (0.75, 1.0), (0.99, 2.0), (0.0, 0.0)])
def test_quantiles_are_those_of_the_time_between_when_something_came(
    q: float, expected: float
) -> None:
    before = buckets(**{"0_5": 100, "1_0": 100, "2_0": 100, "inf": 100})
    now = buckets(**{"0_5": 102, "1_0": 103, "2_0": 103, "inf": 104})
    figures = Figures([Look(scrape(2.0, took_bucket=now), scrape(1.0, took_bucket=before))])
    assert figures.quantile(q, "took") == pytest.approx(expected)


def test_quantiles_are_those_of_all_time_when_nothing_came_since() -> None:
    now = buckets(**{"0_5": 10, "1_0": 10, "inf": 10})
    figures = Figures([Look(scrape(2.0, took_bucket=now), scrape(1.0, took_bucket=now))])
    assert figures.quantile(0.5, "took") == pytest.approx(0.25)
    assert math.isnan(figures.quantile(0.5, "other"))


def test_quantiles_are_no_less_when_a_worker_was_started_anew() -> None:
    before = buckets(**{"0_5": 100, "inf": 100})
    now = buckets(**{"0_5": 4, "inf": 4})
    figures = Figures([Look(scrape(2.0, took_bucket=now), scrape(1.0, took_bucket=before))])
    assert figures.quantile(1.0, "took") == 0.5


def test_the_largest_is_known_only_when_somebody_knows() -> None:
    unknown = scrape(1.0, oldest=math.nan)
    assert math.isnan(Figures([Look(unknown, None)]).largest("oldest"))
    assert Figures([Look(unknown, None), Look(scrape(1.0, oldest=3), None)]).largest("oldest") == 3
