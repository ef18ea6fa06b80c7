"""On a terminal: one screen that goes away again, and leaves the terminal as it was."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest

from tests.unit.top.workers import FakeWorker


@pytest.fixture
def worker() -> Iterator[FakeWorker]:
    worker = FakeWorker("cg_trans_03_claims_in_scope_total 1\n")
    yield worker
    worker.close()


class Terminal:
    """`cg-trans-03 top` on a pseudo terminal of 80 by 24."""

    def __init__(self, url: str, **env: str) -> None:
        self.ours, theirs = pty.openpty()
        termios.tcsetwinsize(self.ours, (24, 80))
        self.before = termios.tcgetattr(self.ours)
        command = [sys.executable, "-m", "stream_app", "top", "--url", url, "--interval", "0.2"]
        kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=kept | {"TERM": "xterm-256color"} | env,
        )
        os.close(theirs)
        self.shown = ""

    def until(self, text: str) -> None:
        while text not in self.shown:
            self._read()

    def ended(self) -> int:
        try:
            while True:
                self._read()
        except OSError:  # nobody has it open any more
            return self.process.wait()

    def _read(self) -> None:
        self.shown += os.read(self.ours, 65_536).decode()


@pytest.mark.parametrize("leave", ["q", "Q", "interrupt"])
def test_terminal_is_as_it_was_when_one_leaves(worker: FakeWorker, leave: str) -> None:
    terminal = Terminal(worker.url)
    terminal.until("All well")
    terminal.until("\x1b[?1049h")
    if leave == "interrupt":
        terminal.process.send_signal(signal.SIGINT)
    else:
        os.write(terminal.ours, leave.encode())
    assert terminal.ended() == 0
    assert "\x1b[?1049l" in terminal.shown, "the screen before is shown again"
    assert "\x1b[?25h" in terminal.shown, "the cursor, too"
    assert "Traceback" not in terminal.shown
    assert termios.tcgetattr(terminal.ours) == terminal.before
    os.close(terminal.ours)


def test_it_goes_on_and_says_so_when_the_worker_goes_away(worker: FakeWorker) -> None:
    terminal = Terminal(worker.url)
    terminal.until("All well")
    worker.close()
    terminal.until("connection refused")
    os.write(terminal.ours, b"q")
    assert terminal.ended() == 0
    os.close(terminal.ours)


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_there_is_no_colour_when_none_is_wanted(
    worker: FakeWorker, env: dict[str, str], coloured: bool
) -> None:
    terminal = Terminal(worker.url, **env)
    terminal.until("All well")
    os.write(terminal.ours, b"q")
    assert terminal.ended() == 0
    assert ("\x1b[32m" in terminal.shown) is coloured
    os.close(terminal.ours)
