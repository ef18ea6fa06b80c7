"""Printing for people: at most 100 columns, colour on a terminal only, no trailing blanks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

WIDEST = 100
INDENT = 2


class Page:
    """Where a run's words go."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(
            no_color=bool(os.environ.get("NO_COLOR")) or None,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self.console.width = min(self.console.width, WIDEST)

    @property
    def unicode(self) -> bool:
        """Whether it can show more than ASCII."""
        return self.console.encoding.lower().startswith("utf")

    def put(self, part: RenderableType = "", indent: int = 0) -> None:
        """Prints a part."""
        with self.trimmed():
            self.console.print(Padding(part, (0, 0, 0, indent)) if indent else part)

    def heading(self, text: str) -> None:
        """Begins a part of the report."""
        self.put()
        self.put(Text(text, "bold"))

    def line(self, text: str, style: str = "") -> None:
        """Prints a sentence of a part."""
        self.put(Text(text, style), INDENT)

    def command(self, text: str, note: str = "") -> None:
        """Prints a command to copy; it is never broken, so that it can be pasted."""
        words = Text.assemble(" " * INDENT, (text, "cyan"), (f"  # {note}" if note else "", "dim"))
        self.console.print(words, soft_wrap=True)

    @contextmanager
    def trimmed(self) -> Iterator[None]:
        """Takes the blanks away that fill up the lines of a table."""
        with self.console.capture() as captured:
            yield
        for line in captured.get().splitlines():
            self.console.file.write(line.rstrip() + "\n")
        self.console.file.flush()
