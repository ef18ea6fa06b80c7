"""What a finished run has to tell: decisions, reasons, dead letters, examples, the check."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from stream_app.demo.acts import Acts
from stream_app.demo.check import Finding
from stream_app.demo.examples import Example
from stream_app.demo.page import INDENT, Page
from stream_app.demo.tally import Tally
from stream_app.domain.decision import Outcome
from stream_app.explain.text import Writer
from stream_app.synthetic import Stream

COLOURS = {Outcome.APPROVE: "green", Outcome.DENY: "red", Outcome.PEND: "yellow"}


def decisions(page: Page, tally: Tally, acts: Acts) -> None:
    """Claims by outcome, and the reasons of their lines."""
    standing, reasons = tally.by_outcome(), tally.by_reason()
    later = tally.events - standing.total()
    possible = {code for told in acts.truth.standing.values() for code in told.reasons}
    page.heading("Decisions")
    page.line(
        f"{standing.total():,} claims decided, in {tally.events:,} decision events"
        + (f" ({later:,} replaced by a later one of the same claim)" if later else "")
        + f"; {len({code for _, code in reasons})} of {len(possible)} possible reasons occur."
    )
    table = _table()
    table.add_column("outcome")
    table.add_column("claims", justify="right")
    table.add_column("reason of a line")
    table.add_column("lines", justify="right")
    for outcome in Outcome:
        of_it = [(code, count) for (of, code), count in reasons.most_common() if of is outcome]
        first = Text(outcome.value, f"bold {COLOURS[outcome]}")
        claims = f"{standing[outcome]:,}"
        for code, count in of_it or [("", 0)]:
            table.add_row(first, claims, code, f"{count:,}" if count else "")
            first, claims = Text(), ""
    page.put(table, INDENT)


def dead_letters(page: Page, tally: Tally) -> None:
    """What could not be used, and why."""
    counts = tally.by_dead_letter()
    page.heading("Dead letters")
    page.line(f"{counts.total():,} malformed events, each kept byte for byte with its reason.")
    if not counts:
        return
    table = _table()
    table.add_column("reason")
    for stream in Stream:
        table.add_column(stream.value, justify="right")
    for reason in sorted({reason for _, reason in counts}):
        table.add_row(reason, *(f"{counts[stream, reason]:,}" for stream in Stream))
    page.put(table, INDENT)


def explained(page: Page, found: Sequence[Example]) -> None:
    """Explains examples as `cg-trans-03 explain` does."""
    for example in found:
        page.heading(f"One that is {_PAST[example.sent.decision]}, explained")
        with page.trimmed():
            Writer(page.console).write(example.explanation)


def findings(page: Page, found: Sequence[Finding]) -> None:
    """Says what held and what did not."""
    yes, no = ("✓", "✗") if page.unicode else ("ok", "NO")
    page.heading("The check")
    page.line("What was fed against what lies on the output topics, by id; told in counts.")
    table = Table.grid(padding=(0, 1))
    for finding in found:
        style = "" if finding.holds else "bold red"
        mark = Text(yes, "green") if finding.holds else Text(no, style)
        table.add_row(mark, Text(finding.what, style), Text(finding.found, style))
    page.put(table, INDENT)


_PAST = {Outcome.APPROVE: "approved", Outcome.DENY: "denied", Outcome.PEND: "pended"}


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
