"""What stands in metrics.py, and what prometheus-client makes of it."""

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry, Histogram

from stream_app import metrics
from stream_app.metrics import BatchHistogram

DECLARED = {
    name: metric
    for name, metric in vars(metrics).items()
    if isinstance(metric, prometheus_client.metrics.MetricWrapperBase)
}
# Bounds, and what lies beside them; binary fractions, so that sums are exact.
BOUNDS = (2**-7, 2**-3, 60, 3600)
VALUES = [0.0, 2**-9, 2**-7, 2**-7 + 2**-9, 2**-3, 3.0, 59.5, 60.0, 3600.0, 3601.0, 1e9]


def samples(kind: type[Histogram], feed: str, values: list[float]) -> list[object]:
    registry = CollectorRegistry()
    histogram = kind("h", "help", buckets=BOUNDS, registry=registry)
    if feed == "all":
        histogram.observe_all(values)
    else:
        for value in values:
            histogram.observe(value)
    return [tuple(sample)[:3] for family in registry.collect() for sample in family.samples]


@pytest.mark.parametrize("values", [[], VALUES[:1], VALUES, VALUES * 7])
def test_a_batch_counts_as_its_values_do_when_observed_at_once(values: list[float]) -> None:
    """It reaches into prometheus-client: this tells when that has changed."""
    one_by_one = samples(Histogram, "each", values)
    at_once = samples(BatchHistogram, "all", values)
    assert at_once == one_by_one


@pytest.mark.parametrize("name", DECLARED)
def test_a_metric_keeps_to_the_naming_rules_when_declared(name: str) -> None:
    metric = DECLARED[name]
    exported = metric._name
    assert exported.startswith("cg_trans_03_")
    assert len(metric._documentation) > 15
    assert metric._documentation.endswith(".")
    if isinstance(metric, Histogram):
        assert exported.endswith(("_seconds", "_records", "_bytes"))
    assert "milli" not in exported
    assert not {"member_id", "claim_id", "key", "event_id"} & set(metric._labelnames)


def test_labels_are_the_bounded_ones_when_all_metrics_are_looked_at() -> None:
    known = {
        "after",
        "before",
        "decision",
        "hop",
        "partition",
        "policy_version",
        "reason",
        "result",
        "sha256",
        "stage",
        "table",
        "topic",
        "trigger",
        "verdict",
        "version",
        "why",
    }
    used = {label for metric in DECLARED.values() for label in metric._labelnames}
    assert used <= known
