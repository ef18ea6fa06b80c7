"""What the worker says of itself on /metrics, in the few numbers a person follows."""

import urllib.error
import urllib.request
from collections.abc import Iterable

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_SECONDS = 5.0


class Latency(Struct, frozen=True):
    """From a claim's timestamp to its acknowledged decision, as upper bounds in seconds."""

    half: float
    nearly_all: float
    """99 %."""


class Numbers(Struct, frozen=True):
    """Counters since the worker started."""

    read: int = 0
    """Claims read, skipped ones included."""
    in_scope: int = 0
    decided: int = 0
    dead_letters: int = 0
    cpu_seconds: float = 0.0
    """Processor time of the worker."""
    latency: Latency | None = None
    """None before there is a decision."""


def scrape(url: str, claims_topic: str) -> Numbers | None:
    """Asks the worker; None when it gives no answer just now."""
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - our own http
            return read_numbers(answer.read().decode(), claims_topic)
    except OSError:
        return None


def read_numbers(exposition: str, claims_topic: str) -> Numbers:
    """Reads the Prometheus text format."""
    samples = [
        sample for family in text_string_to_metric_families(exposition) for sample in family.samples
    ]

    def total(name: str, **labels: str) -> int:
        return int(
            sum(
                sample.value
                for sample in samples
                if sample.name == f"cg_trans_03_{name}_total"
                and labels.items() <= sample.labels.items()
            )
        )

    return Numbers(
        read=total("records_read", topic=claims_topic),
        in_scope=total("claims_in_scope"),
        decided=total("decisions"),
        dead_letters=total("dead_letters"),
        cpu_seconds=next(
            (sample.value for sample in samples if sample.name == "process_cpu_seconds_total"), 0.0
        ),
        latency=_latency(samples),
    )


def _latency(samples: Iterable[Sample]) -> Latency | None:
    buckets = sorted(
        (float(sample.labels["le"]), sample.value)
        for sample in samples
        if sample.name == "cg_trans_03_decision_latency_seconds_bucket"
    )
    if not buckets or not buckets[-1][1]:
        return None
    count = buckets[-1][1]

    def bound(share: float) -> float:
        return next(le for le, below in buckets if below >= share * count)

    return Latency(half=bound(0.5), nearly_all=bound(0.99))


def answers_ok(url: str) -> bool:
    """Whether a probe answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - our own http
            return bool(answer.status == 200)
    except (urllib.error.HTTPError, OSError):
        return False
