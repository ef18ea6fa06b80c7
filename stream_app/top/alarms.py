"""What a look at the workers gives reason to say, worst first."""

import math
from collections.abc import Iterator, Sequence

from stream_app.top.figures import Figures, Look
from stream_app.top.words import number, seconds

LATE_SECONDS = 60.0
"""The objective of the alerts: no record waits longer."""
OLD_PEND_SECONDS = 30 * 86_400.0


def alarms(looks: Sequence[Look]) -> list[str]:
    """One line each; none where all is well."""
    figures = Figures(looks)
    return [*_of_each(looks), *_of_work(figures), *_of_content(figures)]


def _of_each(looks: Sequence[Look]) -> Iterator[str]:
    for look in looks:
        now = look.now
        if now.fault is not None:
            yield f"{now.url}: {now.fault}"
            continue
        if now.live is not None:
            yield f"{now.url} is stuck: {now.live}"
        if now.ready is not None:
            yield f"{now.url} is not ready: {now.ready}"
        for sample in now.of("recovery_remaining_records"):
            if sample.value:
                table = sample.labels["table"]
                yield f"{now.url} recovers {table}: {number(sample.value)} records left"
        if now.total("stalled_seconds") > LATE_SECONDS:
            yield f"{now.url} got nothing done for {seconds(now.total('stalled_seconds'))}"


def _of_work(figures: Figures) -> Iterator[str]:
    for topic in figures.labels("waiting_seconds", "topic"):
        waiting = figures.largest("waiting_seconds", topic=topic)
        if waiting > LATE_SECONDS:
            yield f"records of {topic} have been waiting for {seconds(waiting)}"
    for name, words in (
        ("records_lost_total", "record(s) lost to retention before they were read"),
        ("producer_errors_total", "batch(es) that the broker would not take"),
    ):
        if (found := figures.total(name)) > 0:
            yield f"{number(found)} {words}"
    if (found := figures.grown("producer_retries_total")) > 0:
        yield f"{number(found)} batch(es) just had to be sent once more"
    hashes: dict[str, set[str]] = {}
    for look in figures.looks:
        for sample in look.now.of("policy_version_info"):
            hashes.setdefault(sample.labels["version"], set()).add(sample.labels["sha256"])
    for version, contents in sorted(hashes.items()):
        if len(contents) > 1:
            yield f"workers hold different contents of guideline version {version}"


def _of_content(figures: Figures) -> Iterator[str]:
    wrong = [v for v in figures.labels("skipped_samples_total", "verdict") if v != "ok"]
    for verdict in wrong:
        found = figures.total("skipped_samples_total", verdict=verdict)
        if found and verdict == "in_scope":
            yield f"the scan overlooked {number(found)} sampled claim(s) in scope"
        elif found and verdict != "no_value":
            yield f"{number(found)} sampled claim(s) out of scope are malformed: {verdict}"
    for reason in figures.labels("dead_letters_total", "reason"):
        if (found := figures.grown("dead_letters_total", reason=reason)) > 0:
            yield f"{number(found)} new dead letter(s): {reason}"
    if (found := figures.grown("history_drift_total")) > 0:
        yield f"{number(found)} approval(s) just found to differ by newer history"
    oldest = figures.largest("oldest_pend_seconds")
    if not math.isnan(oldest) and oldest > OLD_PEND_SECONDS:
        yield f"a claim has been pended for {seconds(oldest)}"
