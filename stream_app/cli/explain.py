"""`cg-trans-03 explain`: why one claim is decided as it is."""

import os
import sys

import click
import orjson
from rich.console import Console

from stream_app.adjudicate.dead_letters import DeadLetter
from stream_app.adjudicate.history import read_history
from stream_app.adjudicate.lines import STANDARD, open_input
from stream_app.cli.options import settings_option
from stream_app.domain.history import Transplant
from stream_app.errors import DeadLetterReason, UsageError
from stream_app.explain.explanation import Explainer, Status, as_json
from stream_app.explain.text import Writer
from stream_app.pipeline.decide import Decider
from stream_app.policy.load import load_applicability, load_policies
from stream_app.settings import Settings

PLAIN_WIDTH = 100
"""Columns where there is no terminal to ask."""


@click.command()
@click.argument("claim")
@click.option(
    "--history",
    metavar="FILE",
    help="Transplant history events, one a line.  [default: no transplant on file]",
)
@click.option("--json", "for_machines", is_flag=True, help="Print one JSON object.")
@settings_option
def command(claim: str, history: str | None, for_machines: bool, settings: Settings) -> None:
    r"""Say why one claim is decided as it is, line by line, and what would change it.

    CLAIM holds one adjudication event as JSON, on one line or pretty-printed ('-' is standard
    input). Every criterion is shown as true, false or unknown with what was looked at; for a
    line that pends, the smallest sets of missing facts that would change it, and to what. They
    are found by deciding again with the facts filled in.

    Claims that are malformed, out of scope, void or not applicable are told apart, too.

    \b
    Examples:
      cg-trans-03 explain examples/claim-pend.json --history examples/history.jsonl
      sed -n 17p claims.jsonl | cg-trans-03 explain - --history history.jsonl --json
    """
    policies = load_policies(settings.policy_dir)
    applicability = load_applicability(settings.applicability_file)
    if claim == history == STANDARD:
        raise click.UsageError("claim and history cannot both come from standard input")
    with open_input(claim) as file:
        value = file.whole()
    members = {}
    if history is not None:
        with open_input(history) as file:
            members = read_history(file, _report)

    def on_file(member_id: str) -> tuple[Transplant, ...]:
        known = members.get(member_id)
        return known.on_file() if known else ()

    explainer = Explainer(
        Decider(policies, applicability, settings.decision), policies, applicability
    )
    explanation = explainer.explain(value, on_file)
    error = explanation.error
    if error is not None and error.reason is DeadLetterReason.NOT_JSON and _several(value):
        raise UsageError(
            f"{claim}: holds several lines of JSON; explain takes one claim: "
            "sed -n 1p FILE | cg-trans-03 explain - ..."
        )
    if for_machines:
        click.echo(orjson.dumps(as_json(explanation), option=orjson.OPT_INDENT_2))
        return
    console = _console()
    with console.capture() as captured:
        Writer(console).write(explanation)
    for line in captured.get().splitlines():
        click.echo(line.rstrip(), color=console.is_terminal)
    if explanation.status is Status.DECIDED and history is None:
        click.echo("no --history was given: no transplant was taken to be on file", err=True)


def _report(letter: DeadLetter) -> None:
    click.echo(f"{letter.report()} (left out)", err=True)


def _several(value: bytes) -> bool:
    """Whether this is a file of one JSON object a line instead of one object."""
    first = value.split(b"\n", 1)[0]
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return first != value


def _console() -> Console:
    terminal = sys.stdout.isatty()
    return Console(
        width=None if terminal else PLAIN_WIDTH,
        no_color=bool(os.environ.get("NO_COLOR")) or None,
        highlight=False,
        markup=False,
        emoji=False,
    )
