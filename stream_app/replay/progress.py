"""How far a job has come, with rate and time left: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)
from rich.text import Text

from stream_app import metrics

SILENT_SECONDS = 2.0
PLAIN_EVERY_SECONDS = 5.0

_LOOK_EVERY_SECONDS = 0.1

Advance = Callable[[int], None]
Clock = Callable[[], float]


class Progress:
    """Tells on standard error, once a job takes longer than two seconds.

    Args:
        console: of standard error; by default the real one.
        clock: seconds, that never go back.
        phases: how many there will be: history, decisions, claims, deciding; or handing over, too.
    """

    def __init__(
        self, console: Console | None = None, clock: Clock = time.monotonic, *, phases: int = 4
    ) -> None:
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._began = clock()
        self._past, self._phases = 0, phases

    @contextmanager
    def phase(self, name: str, total: int, done: int = 0) -> Iterator[Advance]:
        """One step of a job; call what it gives with how much more is done.

        Args:
            name: what is being done.
            total: how much there is.
            done: how much of it an earlier run has done.
        """
        line = _Line(name, total, done, self._clock())
        show = self._bar if self._console.is_terminal else self._plain
        with show(line) as shown:
            looked = 0.0

            def advance(number: int) -> None:
                nonlocal looked
                line.done += number
                now = self._clock()
                if now - looked < _LOOK_EVERY_SECONDS:
                    return
                looked = now
                metrics.REPLAY_PROGRESS.set((self._past + line.share) / self._phases)
                if now - self._began >= SILENT_SECONDS:
                    shown(now)

            yield advance
        self._past += 1
        metrics.REPLAY_PROGRESS.set(self._past / self._phases)

    @contextmanager
    def _plain(self, line: "_Line") -> Iterator[Callable[[float], None]]:
        told = -PLAIN_EVERY_SECONDS

        def shown(now: float) -> None:
            nonlocal told
            if now - told >= PLAIN_EVERY_SECONDS:
                told = now
                self._console.print(line.words(now), soft_wrap=True, highlight=False)

        yield shown

    @contextmanager
    def _bar(self, line: "_Line") -> Iterator[Callable[[float], None]]:
        bar = Bar(
            TextColumn("{task.description:<18}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        task = bar.add_task(line.name, total=line.total, completed=line.done)

        def shown(_now: float) -> None:
            bar.start()
            bar.update(task, completed=line.done)

        try:
            yield shown
        finally:
            bar.stop()


class _Line:
    """One step and how far it is."""

    def __init__(self, name: str, total: int, done: int, began: float) -> None:
        self.name, self.total, self.done = name, total, done
        self._before, self._began = done, began

    @property
    def share(self) -> float:
        return self.done / self.total if self.total else 1.0

    def words(self, now: float) -> str:
        seconds = now - self._began
        rate = (self.done - self._before) / seconds if seconds > 0 else 0.0
        words = f"{self.name}: {self.done:,} of {self.total:,} ({self.share:.0%}), {rate:,.0f}/s"
        if rate > 0 and self.done < self.total:
            words += f", {timedelta(seconds=round((self.total - self.done) / rate))} left"
        return words


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")
