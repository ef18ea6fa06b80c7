"""The worker as a process of its own, just as anybody would start it."""

import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable

from stream_app.demo.failure import DemoFailure
from stream_app.demo.numbers import answers_ok
from stream_app.demo.place import Place, cluster_only

READY_SECONDS = 60.0
LOG_LINES = 12


class WorkerProcess:
    """Started by `start`, watched, and ended by its process id."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, *, outlive_us: bool) -> None:
        """Starts it; its log goes to a file."""
        command = [
            sys.executable, "-m", "stream_app", "worker",
            "--settings", str(self._place.settings_file),
        ]  # fmt: skip
        guard = None if outlive_us else shutil.which("setpriv")
        if guard:
            # The kernel ends it when we die, even by SIGKILL; exec keeps the process id.
            command = [guard, "--pdeathsig", "KILL", "--", *command]
        with self._place.worker_log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=cluster_only(),
                start_new_session=True,  # Ctrl-C in our terminal is ours to handle
            )

    def wait_ready(self, sleep: Callable[[float], object] = time.sleep) -> None:
        """Waits until it has its partitions and reads.

        Raises:
            DemoFailure: it ended, or takes too long.
        """
        deadline = time.monotonic() + READY_SECONDS
        while not answers_ok(self._place.url("readyz")):
            self.must_run()
            if time.monotonic() > deadline:
                raise DemoFailure(f"the worker was not ready in {READY_SECONDS:.0f} s{self.tail()}")
            sleep(0.1)

    def must_run(self) -> None:
        """Makes sure that it has not ended.

        Raises:
            DemoFailure: it has.
        """
        code = None if self._process is None else self._process.poll()
        if code is not None:
            raise DemoFailure(f"the worker ended with exit code {code}{self.tail()}")

    def stop(self) -> int | None:
        """Ends it, by force if it lingers; gives its exit code, or None if it never started."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(self._place.settings.shutdown_timeout_seconds + 10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()

    def tail(self) -> str:
        """The last lines of its log, to be put behind a message; it holds no payload."""
        with self._place.worker_log.open(errors="replace") as log:
            lines = deque(log, LOG_LINES)
        if not lines:
            return "; its log is empty"
        return "; the end of its log:\n" + "".join(f"  {line}" for line in lines).rstrip()
