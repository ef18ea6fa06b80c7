"""The terminal while a run goes on: one line a step, a live line while claims flow."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stream_app.demo.numbers import Numbers
from stream_app.demo.page import Page

PLAIN_EVERY_SECONDS = 2.0


class Flow(Struct, frozen=True):
    """How far the claims have come."""

    to_feed: int
    fed: int
    seconds: float
    """Since the first claim was fed."""
    numbers: Numbers

    @property
    def rate(self) -> float:
        """Claims read a second, since the first was fed."""
        return self.numbers.read / self.seconds if self.seconds > 0 else 0.0

    def counts(self) -> str:
        """All of it in one line."""
        said = self.numbers
        return (
            f"fed {self.fed:,}  read {said.read:,}  in scope {said.in_scope:,}  "
            f"decided {said.decided:,}  dead {said.dead_letters:,}"
        )


class Screen:
    """Prints steps: a spinner and a bar on a terminal, plain short lines elsewhere."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def title(self, text: str, below: str) -> None:
        """Says what this is."""
        self.page.put(Text(text, "bold"))
        self.page.put(Text(below))
        self.page.put()

    def step(self, name: str, text: str) -> None:
        """Says what has been done."""
        line = Table.grid(padding=(0, 1))
        line.add_column(width=8)
        line.add_column(overflow="fold")
        line.add_row(Text(name, "bold"), Text(text))
        self.page.put(line)

    @contextmanager
    def waiting(self, name: str, text: str) -> Iterator[None]:
        """Shows a spinner as long as something takes; nothing where there is no terminal."""
        with self.page.console.status(Text.assemble((f"{name:<7}", "bold"), f" {text} ...")):
            yield

    @contextmanager
    def flow(self) -> Iterator["FlowLine"]:
        """Shows claims flowing."""
        if not self.page.console.is_terminal:
            yield FlowLine(self, None)
            return
        with Live(console=self.page.console, transient=True, auto_refresh=False) as live:
            yield FlowLine(self, live)


class FlowLine:
    """The live line."""

    def __init__(self, screen: Screen, live: Live | None) -> None:
        self._screen = screen
        self._live = live
        self._due = time.monotonic() + PLAIN_EVERY_SECONDS

    def show(self, flow: Flow) -> None:
        """Shows how far it is; as a plain line only every other second."""
        if self._live is not None:
            self._live.update(_bar(flow), refresh=True)
        elif time.monotonic() >= self._due:
            self._due = time.monotonic() + PLAIN_EVERY_SECONDS
            self._screen.step("", f"{flow.counts()}  {flow.rate:,.0f}/s")


def _bar(flow: Flow) -> Group:
    bar = Table.grid(padding=(0, 1))
    bar.add_column(width=8)
    bar.add_column(width=40)
    bar.add_column()
    done = min(flow.numbers.read, flow.to_feed)
    bar.add_row(
        Text("claims", "bold"),
        ProgressBar(total=max(1, flow.to_feed), completed=done),
        f"{done * 100 // max(1, flow.to_feed)} %  {flow.rate:,.0f} claims/s",
    )
    bar.add_row("", "", "")
    return Group(bar, Text(f"         {flow.counts()}"))
