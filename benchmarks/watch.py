"""What processes cost: CPU seconds over time, and the memory they held. Linux only."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY_SECONDS = 0.02
_MEMORY_EVERY = 10  # readings
_MB = 2**20
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Spent(NamedTuple):
    """Seconds of CPU: what was used in some stretch of time, or ever up to a moment."""

    system: float
    """By the system that is measured."""
    broker: float
    idle: float
    """By nobody, over all cores."""


class _Reading(NamedTuple):
    at: float
    spent: Spent


class Held(NamedTuple):
    """Memory that the measured system held at a moment."""

    at: float
    rss_mb: float


class Watch:
    """Reads every 20 ms, from outside.

    Args:
        pids: of the system's processes; their threads count, their children do not (none has any).
        broker: its process.
    """

    def __init__(self, pids: Sequence[int], broker: int) -> None:
        self._pids, self._broker = list(pids), broker
        self._readings: list[_Reading] = []
        self._peaks = dict.fromkeys(self._pids, 0.0)
        self.memory: list[Held] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()

    @property
    def peak_rss_mb(self) -> float:
        """The most memory held, each process at its own worst."""
        return sum(self._peaks.values())

    def between(self, start: float, stop: float) -> Spent:
        """What was used between two moments (epoch seconds)."""
        before, after = self._at(start), self._at(stop)
        return Spent(*(b - a for a, b in zip(before, after, strict=True)))

    def _at(self, moment: float) -> Spent:
        before = after = self._readings[0]
        for reading in self._readings:
            if reading.at >= moment:
                after = reading
                break
            before = after = reading
        if after.at == before.at:
            return before.spent
        share = (moment - before.at) / (after.at - before.at)
        pairs = zip(before.spent, after.spent, strict=True)
        return Spent(*(a + (b - a) * share for a, b in pairs))

    def _run(self) -> None:
        round_ = 0
        while not self._stop.is_set():
            try:
                system = sum(map(_cpu, self._pids))
                spent = Spent(system, _cpu(self._broker), _idle())
                self._readings.append(_Reading(time.time(), spent))
                if round_ % _MEMORY_EVERY == 0:
                    self.memory.append(Held(time.time(), sum(map(_rss, self._pids))))
                    self._peaks = {pid: _peak(pid) or known for pid, known in self._peaks.items()}
            except (OSError, ValueError, IndexError):
                return
            round_ += 1
            self._stop.wait(_EVERY_SECONDS)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _idle() -> float:
    with Path("/proc/stat").open() as stat:
        fields = stat.readline().split()
    return (int(fields[4]) + int(fields[5])) / _TICKS


def _rss(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / _MB


def _peak(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0
