"""Looking again and again, until somebody has seen enough."""

import contextlib
import select
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from rich.console import Console
from rich.live import Live

from stream_app.errors import CgTrans03Error
from stream_app.top.figures import Look
from stream_app.top.frame import frame
from stream_app.top.scrape import Scrape, scrape

_HINT = "q leaves"


class Workers:
    """The workers that are asked, and what they said last."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._last: dict[str, Scrape | None] = dict.fromkeys(urls)

    def look(self) -> list[Look]:
        """Ask all of them at once."""
        with ThreadPoolExecutor(len(self._last)) as pool:
            scrapes = list(pool.map(scrape, self._last))
        looks = []
        for now in scrapes:
            before = self._last[now.url]
            looks.append(Look(now, before))
            self._last[now.url] = None if now.fault is not None else now
        return looks

    def first_look(self) -> list[Look]:
        """Ask them for the first time.

        Raises:
            CgTrans03Error: none answers.
        """
        looks = self.look()
        if all(look.now.fault is not None for look in looks):
            said = "; ".join(f"{look.now.url}: {look.now.fault}" for look in looks)
            raise CgTrans03Error(f"no worker answers ({said}); where is /metrics? say --url")
        return looks


def once(workers: Workers, console: Console, interval: float) -> None:
    """Print one picture, of two looks: a rate needs both."""
    workers.first_look()
    time.sleep(interval)
    console.print(frame(workers.look(), datetime.now()))  # noqa: DTZ005  (a clock on the wall)


def watch(workers: Workers, console: Console, interval: float) -> None:
    """Show pictures until `q` or an interruption; one below the other where there is no screen."""
    looks = workers.first_look()
    if not console.is_terminal:
        while True:
            console.print(frame(looks, datetime.now()))  # noqa: DTZ005
            time.sleep(interval)
            looks = workers.look()
    with (
        _keys() as pressed,
        Live(console=console, screen=True, auto_refresh=False, transient=True) as live,
    ):
        while True:
            live.update(frame(looks, datetime.now(), hint=_HINT), refresh=True)  # noqa: DTZ005
            if pressed(interval):
                return
            looks = workers.look()


class _Keys:
    """Waits, and hears the key that ends the waiting for good."""

    def __call__(self, wait: float) -> bool:
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0:
            if not sys.stdin.isatty():
                time.sleep(left)
            elif select.select([sys.stdin], [], [], left)[0]:
                key = sys.stdin.read(1)
                if key in {"q", "Q", ""}:
                    return True
        return False


@contextlib.contextmanager
def _keys() -> Iterator[_Keys]:
    """A key is heard without Enter, and not shown; the terminal is left as it was."""
    if not sys.stdin.isatty():
        yield _Keys()
        return
    import termios  # noqa: PLC0415  (there is none where there are no such terminals)
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield _Keys()
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
