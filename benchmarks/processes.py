"""The programs that are measured, as processes that never outlive this one."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from benchmarks.setup import CACHE

ROOT = Path(__file__).resolve().parents[1]
_STOP_SECONDS = 30.0

Process = subprocess.Popen[bytes]


class Running(Struct):
    """A system at work: one process, or several that share the partitions."""

    processes: list[Process]
    outputs: list[str]
    group: str
    """Which commits its progress on the claims."""
    quiet_seconds: float = 15.0
    """How long without an output until it is taken to be through."""
    topics: list[str] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    @property
    def alive(self) -> bool:
        """Whether none of its processes has ended."""
        return all(process.poll() is None for process in self.processes)

    def stop(self) -> None:
        """End it."""
        end(*self.processes)


def end(*processes: Process) -> None:
    """End processes: by SIGTERM, by force if they linger."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def spawn(
    command: Sequence[str], log: str, environment: Mapping[str, str] | None = None
) -> Process:
    """Start a program; what it says goes to a log of that name."""
    logs = CACHE / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    guard = shutil.which("setpriv")
    prefix = [guard, "--pdeathsig", "KILL", "--"] if guard else []
    with (logs / f"{log}.log").open("wb") as out:
        return subprocess.Popen(
            [*prefix, *command],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
