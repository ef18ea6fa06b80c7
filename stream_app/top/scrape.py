"""What one worker says of itself at one moment."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException

from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_SECONDS = 5.0
_LARGEST_ANSWER = 32 * 1024 * 1024
_PREFIX = "cg_trans_03_"


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' value."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Scrape:
    """A worker's answer, or why there is none."""

    url: str
    at: float
    """Seconds that only grow."""
    samples: Mapping[str, list[Sample]] = field(default_factory=dict)
    """By name, without the prefix that all of ours share."""
    live: str | None = None
    """What /livez complains of."""
    ready: str | None = None
    """What /readyz complains of."""
    fault: str | None = None
    """Why nothing is known."""

    def of(self, name: str, **labels: str) -> Iterator[Sample]:
        """The series of a metric that carry these labels."""
        for sample in self.samples.get(name, ()):
            if labels.items() <= sample.labels.items():
                yield sample

    def total(self, name: str, **labels: str) -> float:
        """Their sum."""
        return sum((sample.value for sample in self.of(name, **labels)), 0.0)


def scrape(url: str) -> Scrape:
    """Ask a worker for everything; never raises.

    Args:
        url: where its metrics port is, without a path.
    """
    now = time.monotonic()
    try:
        samples = _parsed(_get(f"{url}/metrics")[1])
        live, ready = _complaint(f"{url}/livez"), _complaint(f"{url}/readyz")
    except (OSError, HTTPException) as failure:
        return Scrape(url, now, fault=_in_words(failure))
    except ValueError:
        return Scrape(url, now, fault="it answers, but not with metrics")
    if "build_info" not in samples:
        return Scrape(url, now, fault="it answers, but is no worker of cg-trans-03")
    return Scrape(url, now, samples, live, ready)


def _parsed(text: str) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(text):
        if family.name.startswith(_PREFIX):
            for sample in family.samples:
                name = sample.name.removeprefix(_PREFIX)
                labels = {key: _printable(value) for key, value in sample.labels.items()}
                found.setdefault(name, []).append(Sample(labels, float(sample.value)))
    return found


def _complaint(url: str) -> str | None:
    status, text = _get(url)
    return None if status == 200 else _printable(text.strip())[:200] or f"status {status}"


def _get(url: str) -> tuple[int, str]:
    # Whoever started us says where; the scheme was checked then.
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read(_LARGEST_ANSWER).decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read(_LARGEST_ANSWER).decode(errors="replace")


def _in_words(failure: Exception) -> str:
    reason = getattr(failure, "reason", failure)
    if isinstance(reason, TimeoutError):
        return "no answer"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return type(reason).__name__


def _printable(text: str) -> str:
    """Nothing that a terminal would obey."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
