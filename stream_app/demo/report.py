"""What a finished run has to tell: decisions, reasons, dead letters, examples, the check."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stream_app.demo.check import Finding
from stream_app.demo.examples import Example
from stream_app.demo.tally import Tally
from stream_app.domain.decision import Outcome
from stream_app.explain.text import Writer
from stream_app.synthetic import Stream

COLOURS = {Outcome.APPROVE: "green", Outcome.DENY: "red", Outcome.PEND: "yellow"}


class Report:
    """Prints the parts of the report, each under its heading."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def heading(self, text: str) -> None:
        """A line that begins a part."""
        self._console.print()
        self._console.print(Text(text, "bold"))

    def line(self, text: str, style: str = "") -> None:
        """A sentence of a part."""
        self._console.print(Padding(Text(text, style), (0, 0, 0, 2)))

    def command(self, text: str) -> None:
        """A command to copy: never broken, so that it can be pasted."""
        self._console.print(f"  {text}", soft_wrap=True, markup=False, style="cyan")

    def decisions(self, tally: Tally) -> None:
        """Claims by outcome, and the reasons of their lines."""
        standing = tally.by_outcome()
        self.heading("Decisions")
        later = tally.events - standing.total()
        self.line(
            f"{standing.total():,} claims decided, in {tally.events:,} decision events"
            + (f" ({later:,} replaced by a later one of the same claim)." if later else ".")
        )
        table = _table()
        table.add_column("outcome")
        table.add_column("claims", justify="right")
        table.add_column("reason of a line")
        table.add_column("lines", justify="right")
        reasons = tally.by_reason()
        for outcome in Outcome:
            of_it = [(code, count) for (of, code), count in reasons.most_common() if of is outcome]
            first = Text(outcome.value, f"bold {COLOURS[outcome]}")
            claims = f"{standing[outcome]:,}"
            for code, count in of_it or [("", 0)]:
                table.add_row(first, claims, code, f"{count:,}" if count else "")
                first, claims = Text(), ""
        self._show(table)

    def dead_letters(self, tally: Tally) -> None:
        """What could not be used, and why."""
        counts = tally.by_dead_letter()
        self.heading("Dead letters")
        self.line(f"{counts.total():,} malformed events, each kept byte for byte with its reason.")
        if not counts:
            return
        table = _table()
        table.add_column("reason")
        for stream in Stream:
            table.add_column(stream.value, justify="right")
        for reason in sorted({reason for _, reason in counts}):
            table.add_row(reason, *(f"{counts[stream, reason]:,}" for stream in Stream))
        self._show(table)

    def examples(self, found: Sequence[Example]) -> None:
        """Explains them as `cg-trans-03 explain` does."""
        for example in found:
            self.heading(f"One that is {_PAST[example.sent.decision]}, explained")
            Writer(self._console).write(example.explanation)

    def check(self, findings: Sequence[Finding]) -> None:
        """Says what held and what did not."""
        unicode = self._console.encoding.lower().startswith("utf")
        marks = {
            True: ("✓" if unicode else "ok", "green"),
            False: ("✗" if unicode else "NO", "red"),
        }
        self.heading("The check")
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(ratio=3)
        table.add_column(ratio=2)
        for finding in findings:
            style = "" if finding.holds else "bold red"
            table.add_row(
                Text(*marks[finding.holds]), Text(finding.what, style), Text(finding.found, style)
            )
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _show(self, table: Table) -> None:
        self._console.print(Padding(table, (0, 0, 0, 2)))


_PAST = {Outcome.APPROVE: "approved", Outcome.DENY: "denied", Outcome.PEND: "pended"}


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
