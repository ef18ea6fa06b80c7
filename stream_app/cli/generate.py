"""`cg-trans-03 generate`: made-up claims and histories to try things with."""

from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import click
import orjson

from stream_app.cli.output import open_output
from stream_app.errors import UsageError
from stream_app.synthetic import Event, Plan, Population, Stream, Truth

_CHUNK = 4 * 1024 * 1024
_DEFAULTS = Plan()
_DAY = click.DateTime(["%Y-%m-%d"])


class _Lines:
    """Writes one event a line, in large chunks."""

    def __init__(self, out: BinaryIO, *, keyed: bool) -> None:
        self._out = out
        self._keyed = keyed
        self._held = bytearray()
        self.written = 0

    def add(self, event: Event) -> None:
        if self._keyed:
            self._held += event.key + b"\t"
        self._held += event.value + b"\n"
        self.written += 1
        if len(self._held) > _CHUNK:
            self.flush()

    def flush(self) -> None:
        self._out.write(self._held)
        self._held.clear()


@click.command()
@click.option(
    "--seed",
    type=int,
    default=_DEFAULTS.seed,
    show_default=True,
    help="The same seed and options give the same bytes.",
)
@click.option(
    "--claims",
    type=int,
    default=_DEFAULTS.claims,
    show_default=True,
    help="How many claim events, all kinds together.",
)
@click.option(
    "--incidence",
    type=float,
    default=_DEFAULTS.incidence,
    show_default=True,
    help="Share of them that is in scope.",
)
@click.option(
    "--poison",
    type=float,
    default=_DEFAULTS.poison,
    show_default=True,
    help="Share of them that is malformed; malformed histories come with it.",
)
@click.option(
    "--near-misses",
    type=float,
    default=_DEFAULTS.near_misses,
    show_default=True,
    help="Share out of scope that mentions what the scan looks for.",
)
@click.option(
    "--start",
    type=_DAY,
    default=str(_DEFAULTS.start),
    show_default=True,
    metavar="DATE",
    help="First day of service.",
)
@click.option(
    "--end",
    type=_DAY,
    default=str(_DEFAULTS.end),
    show_default=True,
    metavar="DATE",
    help="Last day of service.",
)
@click.option(
    "--out-dir",
    metavar="DIR",
    help="Write claims.jsonl, history.jsonl and truth.json into DIR (made if missing).",
)
@click.option("--claims-file", metavar="FILE", help="Write claims to FILE; - is standard output.")
@click.option("--history-file", metavar="FILE", help="Write history to FILE.")
@click.option("--truth-file", metavar="FILE", help="Write what is expected of them to FILE.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["jsonl", "keyed"]),
    default="jsonl",
    show_default=True,
    help="jsonl: one event a line. keyed: record key, a tab, the event (for kcat -K).",
)
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    seed: int, claims: int, incidence: float, poison: float, near_misses: float,
    start: datetime, end: datetime, out_dir: str | None, claims_file: str | None,
    history_file: str | None, truth_file: str | None, style: str,
) -> None:  # fmt: skip
    r"""Write a seeded synthetic population of claims and transplant histories.

    No event stems from a person, provider or payer. Claims imitate what a platform sends:
    usual procedure and diagnosis codes at roughly usual frequencies, one to six lines (one claim
    in twenty is far larger), provider numbers with valid check digits that no provider has,
    charges, places of service. Ids begin with SYN and the seed.

    Claims in scope follow a table of scenarios (stream_app/synthetic/scenarios.yaml) that reaches
    every decision and every reason code of default settings, each once before chance decides:
    both versions of the guideline, several lines, replacements, voids, redeliveries; histories
    late, repeated, out of order, corrected and retracted. A scenario that the days of service
    leave no room for is left out. About 60 claims in scope are needed to see all of them.

    truth.json tells what is expected: the decision and reasons of every claim in scope, and the
    reason of every dead letter, each under its record key.

    \b
    Examples:
      cg-trans-03 generate --out-dir demo
      cg-trans-03 adjudicate --history demo/history.jsonl demo/claims.jsonl
      cg-trans-03 generate --claims 1000000 --incidence 0.0001 --claims-file - | ...
    """
    plan = Plan(
        seed=seed, claims=claims, incidence=incidence, poison=poison, near_misses=near_misses,
        start=_day(start), end=_day(end),
    )  # fmt: skip
    population = Population(plan)
    names = _names(out_dir, claims_file, history_file, truth_file)
    with ExitStack() as files:
        keyed = style == "keyed"
        writers = {
            stream: _Lines(files.enter_context(open_output(name)), keyed=keyed)
            for stream in Stream
            if (name := names[stream]) is not None
        }
        for event in population:
            writer = writers.get(event.stream)
            if writer is not None:
                writer.add(event)
        for writer in writers.values():
            writer.flush()
        if names["truth"] is not None:
            out = files.enter_context(open_output(names["truth"]))
            out.write(_truth(plan, population.truth))
    _report(population.truth)


def _names(
    out_dir: str | None, claims: str | None, history: str | None, truth: str | None
) -> dict[str, str | None]:
    if out_dir is None:
        if claims is None and history is None:
            raise click.UsageError("say where to write: --out-dir DIR, or --claims-file FILE")
    else:
        folder = Path(out_dir)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{out_dir}: cannot be made a folder: {error.strerror}") from None
        claims = claims or str(folder / "claims.jsonl")
        history = history or str(folder / "history.jsonl")
        truth = truth or str(folder / "truth.json")
    given = [name for name in (claims, history, truth) if name is not None]
    if len(set(given)) < len(given):
        raise click.UsageError("claims, history and truth must go to different files")
    return {Stream.CLAIMS: claims, Stream.HISTORY: history, "truth": truth}


def _day(moment: datetime) -> date:
    return moment.date()


def _truth(plan: Plan, truth: Truth) -> bytes:
    expected = {
        claim_id: {"decision": each.outcome, "reasons": each.reasons, "scenario": each.name}
        for claim_id, each in truth.standing.items()
    }
    malformed = {
        name: {key.decode(): each.reason for key, each in letters.items()}
        for name, letters in (
            ("claims", truth.malformed_claims),
            ("history", truth.malformed_history),
        )
    }
    content = {
        "plan": {name: getattr(plan, name) for name in plan.__struct_fields__},
        "claims": truth.claims,
        "history_events": truth.history,
        "in_scope": expected,
        "malformed": malformed,
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def _report(truth: Truth) -> None:
    click.echo(
        f"{truth.claims:,} claim events, {truth.history:,} history events; "
        f"{len(truth.standing):,} claims in scope, of which {len(truth.decided):,} call for a "
        f"decision; {len(truth.malformed_claims) + len(truth.malformed_history):,} malformed",
        err=True,
    )
