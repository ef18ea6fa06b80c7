"""A line on the terminal that says how far a long read has come."""

import sys
import time

import click

from stream_app.adjudicate.lines import InputFile, InputLine

_SILENT_FOR = 2.0
_EVERY = 0.2
_LOOK_EVERY = 512


class ReadingProgress:
    """Shows lines read on standard error once a run takes more than two seconds.

    On a terminal only: a log file or a pipe gets none of it.
    """

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._due = time.monotonic() + _SILENT_FOR
        self._calls = 0
        self._shown = False

    def __call__(self, file: InputFile, line: InputLine) -> None:
        """Takes note of a line read."""
        self._calls += 1
        if not self._on or self._calls % _LOOK_EVERY:
            return
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _EVERY
        self._shown = True
        size = file.size
        share = f" ({line.end * 100 // size} %)" if size else ""
        click.echo(f"\r\033[K{file.name}: {line.number:,} lines{share}", err=True, nl=False)

    def done(self) -> None:
        """Takes the line away again."""
        if self._shown:
            click.echo("\r\033[K", err=True, nl=False)
