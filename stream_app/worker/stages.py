"""How long the stages of a batch take: one observation a stage and batch, never one a record."""

from collections.abc import Callable
from functools import cache
from time import perf_counter

from stream_app import metrics

_stage = cache(metrics.STAGE_SECONDS.labels)


def laps(hop: str) -> Callable[[str], None]:
    """Start a stopwatch; each call ends the stage of that name and begins the next one."""
    since = perf_counter()

    def lap(stage: str) -> None:
        nonlocal since
        now = perf_counter()
        _stage(hop, stage).observe(now - since)
        since = now

    return lap
