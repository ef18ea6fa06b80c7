"""What a process costs: CPU seconds over time, and the most memory it held. Linux only."""

import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY_SECONDS = 0.02


class Reading(NamedTuple):
    """CPU used up to a moment."""

    at: float
    cpu: float


class Watch:
    """Reads a process's CPU time every 20 ms, from outside.

    Args:
        pid: of the process; its threads count, its children do not (no system has any).
    """

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._readings: list[Reading] = []
        self.peak_rss_mb = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()

    def cpu_between(self, start: float, stop: float) -> float:
        """CPU seconds used between two moments (epoch seconds)."""
        return self._cpu_at(stop) - self._cpu_at(start)

    def _cpu_at(self, moment: float) -> float:
        before = after = self._readings[0]
        for reading in self._readings:
            if reading.at >= moment:
                after = reading
                break
            before = after = reading
        if after.at == before.at:
            return before.cpu
        return before.cpu + (after.cpu - before.cpu) * (moment - before.at) / (after.at - before.at)

    def _run(self) -> None:
        round_ = 0
        while not self._stop.is_set():
            try:
                fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
                cpu = (int(fields[11]) + int(fields[12])) / _TICKS
                self._readings.append(Reading(time.time(), cpu))
                if round_ % 10 == 0:
                    self.peak_rss_mb = max(self.peak_rss_mb, self._peak())
            except (OSError, ValueError, IndexError):
                return
            round_ += 1
            self._stop.wait(_EVERY_SECONDS)

    def _peak(self) -> float:
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0.0
