"""`cg-trans-03 adjudicate`: claims in, decisions out, from files."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from stream_app.adjudicate.dead_letters import DeadLetter
from stream_app.adjudicate.lines import STANDARD, InputFile, open_input
from stream_app.adjudicate.run import Adjudication
from stream_app.cli.decider import build_decider
from stream_app.cli.options import settings_option
from stream_app.cli.output import open_output
from stream_app.cli.progress import ReadingProgress
from stream_app.domain.decision import Outcome
from stream_app.domain.instant import parse_instant
from stream_app.settings import Settings

_REPORTED = 20


def _once(_ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> str | None:
    if len(given) > 1:
        raise click.UsageError(
            f"--{param.name} may be given once; 'cat' joins files of one JSON object a line"
        )
    return given[0] if given else None


def _moment(_ctx: click.Context, _param: click.Parameter, given: str | None) -> str:
    if given is None:
        return datetime.now(UTC).isoformat(timespec="milliseconds")
    if parse_instant(given) is None:
        raise click.BadParameter("must be a time such as 2025-01-31T12:00:00Z")
    return given


class _DeadLetters:
    """Takes them all; writes them where asked, and keeps the first few to be reported."""

    def __init__(self, out: BinaryIO | None) -> None:
        self._out = out
        self._reports: list[str] = []
        self._count = 0

    def __call__(self, letter: DeadLetter) -> None:
        self._count += 1
        if self._out is not None:
            self._out.write(letter.to_json() + b"\n")
        if len(self._reports) < _REPORTED:
            self._reports.append(letter.report() + _hint(letter))

    def show(self) -> None:
        """Names the first few, and says what became of the rest."""
        for report in self._reports:
            click.echo(report, err=True)
        if self._count > len(self._reports):
            click.echo(f"... and {self._count - len(self._reports):,} more dead letters", err=True)
        if self._count and self._out is None:
            click.echo("dead letters were not kept; --dead-letters FILE writes them", err=True)


@click.command()
@click.argument("claims")
@click.option(
    "--history",
    multiple=True,
    required=True,
    metavar="FILE",
    callback=_once,
    help="Transplant history events; /dev/null if there are none.",
)
@click.option(
    "--output",
    default=STANDARD,
    metavar="FILE",
    help="Where decision events go.  [default: standard output]",
)
@click.option(
    "--dead-letters",
    metavar="FILE",
    help="Where lines go that could not be used.  [default: only reported]",
)
@click.option(
    "--evaluated-at",
    metavar="TIME",
    callback=_moment,
    help="The time that decisions bear, for output that never differs.  [default: now]",
)
@settings_option
def command(
    claims: str,
    history: str,
    output: str,
    dead_letters: str | None,
    evaluated_at: str,
    settings: Settings,
) -> None:
    r"""Decide the claims in a file: one decision event for each claim in scope.

    CLAIMS and --history hold one JSON event a line ('-' is standard input); see schemas/ for
    their form. All history is applied first, in whatever order it stands. Then each claim is
    decided by itself, just as the worker does it; of several events of one claim_id only the
    one that stands (greatest claim_version, then occurred_at, then event_id). Decisions come in
    input order, each with the file and line of its claim.

    Blank lines are passed over; a byte order mark and CRLF line ends do no harm. A line that
    cannot be used is a dead letter, reported on standard error by line number. A dead letter's
    "value" is the original line; if that is not UTF-8, "value_base64" holds its exact bytes.

    \b
    Exit codes: 0 every line was read, dead letters or not; 2 a usage or file error.

    \b
    Examples:
      cg-trans-03 adjudicate --history history.jsonl claims.jsonl
      cg-trans-03 adjudicate --history history.jsonl claims.jsonl \
          --output decisions.jsonl --dead-letters dead.jsonl
      zcat claims.jsonl.gz | cg-trans-03 adjudicate --history history.jsonl - | jq .decision
    """
    _check_names(claims, history, output, dead_letters)
    decider, progress = build_decider(settings), ReadingProgress()
    with ExitStack() as files:
        # All are opened before any is read: a slip of the finger shows at once.
        history_file = files.enter_context(open_input(history))
        claims_file = files.enter_context(open_input(claims))
        out = files.enter_context(open_output(output))
        dead = files.enter_context(open_output(dead_letters)) if dead_letters else None
        letters = _DeadLetters(dead)
        run = Adjudication(decider, evaluated_at, letters, progress)
        try:
            run.read_history(history_file)
            run.read_claims(claims_file)
        finally:
            progress.done()
        for decision in run.decisions():
            out.write(decision + b"\n")
    letters.show()
    _summarise(run, history_file, claims_file)


def _check_names(claims: str, history: str, output: str, dead_letters: str | None) -> None:
    if claims == history == STANDARD:
        raise click.UsageError("claims and history cannot both come from standard input")
    if output == dead_letters == STANDARD:
        raise click.UsageError("decisions and dead letters cannot both go to standard output")
    named = [name for name in (claims, history, output, dead_letters) if name]
    paths = [Path(name).resolve() for name in named if name != STANDARD and not _is_device(name)]
    if len(set(paths)) < len(paths):
        raise click.UsageError("claims, history, output and dead letters must be different files")


def _is_device(name: str) -> bool:
    path = Path(name)
    return path.exists() and not path.is_file()


def _hint(letter: DeadLetter) -> str:
    if letter.line == 1 and letter.value.strip() in (b"{", b"["):
        return " (one JSON object a line is expected; 'jq -c .' or \"jq -c '.[]'\" makes it so)"
    return ""


def _summarise(run: Adjudication, history: InputFile, claims: InputFile) -> None:
    counts = run.counts
    unusable = run.history_dead_letters
    outcomes = ", ".join(f"{counts.decisions[outcome]:,} {outcome.value}" for outcome in Outcome)
    undecided = [
        f"{number:,} {what}"
        for number, what in (
            (counts.replaced, "replaced or repeated"),
            (counts.void, "void"),
            (counts.not_applicable, "not applicable"),
        )
        if number
    ]
    said = [
        f"history: {history.used_lines - unusable:,} events of {run.members:,} members"
        + _and_more(unusable, history),
        f"claims: {counts.claims:,} read: {counts.out_of_scope:,} out of scope, "
        f"{counts.in_scope:,} in scope" + _and_more(counts.dead_letters, claims),
        f"decisions: {counts.decisions.total():,}: {outcomes}",
    ]
    if undecided:
        said.append("in scope, not decided: " + ", ".join(undecided))
    if unusable and unusable == history.used_lines:
        said.append("no line of the history could be used: are the two files swapped?")
    for line in said:
        click.echo(line, err=True)


def _and_more(dead_letters: int, file: InputFile) -> str:
    text = f", {dead_letters:,} dead letters" if dead_letters else ""
    return text + (f", {file.blank_lines:,} blank lines" if file.blank_lines else "")
