"""`cg-trans-03 replay`: decide the past again, and say what would be otherwise."""

import asyncio
import difflib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from stream_app.cli.options import loaded_settings_option
from stream_app.domain.decision import Outcome
from stream_app.domain.vocabulary import ReasonCode
from stream_app.errors import UsageError
from stream_app.logs import set_up_logging
from stream_app.replay.bounds import Bound, Bounds, parse_bound, parse_time
from stream_app.replay.job_file import JobFile
from stream_app.replay.outcome import CSV, JSON, PAGE, write_outcome
from stream_app.replay.progress import Progress
from stream_app.replay.question import Question, basis_of, parameters
from stream_app.replay.run import Job
from stream_app.replay.summary import summary
from stream_app.settings import Loaded, Settings
from stream_app.worker.health import HealthServer

_F = TypeVar("_F", bound=Callable[..., Any])

_EXIT_CHANGES = 3
_LONGEST_ID = 64


class _Command(click.Command):
    """Reads `--history as-of TIME` as the one value that it is."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        joined: list[str] = []
        for arg in args:
            if joined and (joined[-1] == "as-of" or joined[-1] == "--history=as-of"):
                joined[-1] += f" {arg}"
            else:
                joined.append(arg)
        return super().parse_args(ctx, joined)


def _values(_ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> frozenset[str]:
    """What was given one by one or, as @FILE, one a line."""
    values: list[str] = []
    for each in given:
        if not each.startswith("@"):
            values.append(each)
            continue
        try:
            lines = Path(each[1:]).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise click.BadParameter(f"{each[1:]}: is not UTF-8 text") from None
        except OSError as error:
            raise click.BadParameter(f"{each[1:]}: {error.strerror}") from None
        found = [line.strip() for line in lines if line.strip()]
        if not found:
            # No value would ask for all of them.
            raise click.BadParameter(f"{each[1:]}: holds no value")
        values += found
    for value in values:
        if not 0 < len(value) <= _LONGEST_ID:
            raise click.BadParameter(f"each has 1 to {_LONGEST_ID} characters")
        known = _KNOWN.get(str(param.name))
        if known is not None and value not in known:
            folded = {each.casefold(): each for each in known}
            near = difflib.get_close_matches(value.casefold(), folded, n=1) or list(folded)[:3]
            named = " or ".join(folded[each] for each in near)
            raise click.BadParameter(f"there is no '{value}'; is it {named}?")
    return frozenset(values)


_KNOWN = {
    "decisions": [outcome.value for outcome in Outcome],
    "reasons": [code.value for code in ReasonCode],
}


def _bound(_ctx: click.Context, _param: click.Parameter, given: str | None) -> str | None:
    if given is not None and parse_bound(given) is None:
        raise click.BadParameter(
            "must be a time (2025-01-31T12:00:00Z), a day (2025-01-31), an offset (1500), "
            "or offsets by partition (0:1500,1:1498)"
        )
    return given


def _history(_ctx: click.Context, _param: click.Parameter, given: str) -> str | None:
    word, _, time = given.partition(" ")
    if given == "now":
        return None
    if word != "as-of" or parse_time(time) is None:
        raise click.BadParameter("must be 'now', or 'as-of' and a time: as-of 2025-01-31T12:00:00Z")
    return time


def _several(name: str, to: str, **more: Any) -> Callable[[_F], _F]:
    return click.option(name, to, multiple=True, callback=_values, **more)


@click.command(cls=_Command)
@click.option(
    "--source",
    type=click.Choice(["in-scope", "core"]),
    default="in-scope",
    show_default=True,
    help="Read claims from our in-scope topic, or from the platform's topic of every claim.",
)
@click.option(
    "--from",
    "start",
    metavar="TIME|OFFSET",
    callback=_bound,
    help="Claims from here on: a time, a day, an offset, or 0:1500,1:1498 by partition.",
)
@click.option(
    "--to", "end", metavar="TIME|OFFSET", callback=_bound, help="Claims up to, but not from, here."
)
@_several("--member", "members", metavar="ID|@FILE", help="Claims of this member.")
@_several("--claim", "claims", metavar="ID|@FILE", help="This claim.")
@_several(
    "--decision", "decisions", metavar="OUTCOME", help="Claims with it: approve, deny or pend."
)
@_several("--reason", "reasons", metavar="CODE|@FILE", help="Claims with it on some line.")
@click.option(
    "--policy-version",
    metavar="VERSION",
    help="Decide every date of service by this version.  [default: by the one in force]",
)
@click.option(
    "--policy-dir",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Decide by the versions in this folder: a draft.",
)
@click.option(
    "--history",
    default="now",
    metavar="now|as-of TIME",
    callback=_history,
    help="With what is on file now, or with what had come in by then.  [default: now]",
)
@click.option(
    "--emit", is_flag=True, help="Hand the changed claims to the worker. Without it nothing is."
)
@click.option("--dry-run", is_flag=True, help="Send nothing; this is the default.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="At most so many claims a second.  [default: no limit]",
)
@click.option(
    "--job",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the job; a folder of an interrupted one goes on.  [default: ./var/replay/…]",
)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the reports go.  [default: the job's folder]",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65_535),
    metavar="PORT",
    help="Serve metrics while the job runs.  [default: where the setting metrics_port is given]",
)
@loaded_settings_option
def command(loaded: Loaded, **given: Any) -> None:
    r"""Decide the past again, and say what would be decided otherwise.

    Reads the in-scope claims and decides each as it stands now once more, by the policy in
    force, or by one of your choice; compares that with the decision that was sent last; and
    writes what differs. It runs beside the live worker and touches neither its group nor its
    offsets. A dry run, the default, sends nothing.

    Of several events of one claim_id only the one that stands counts: the greatest
    claim_version, then occurred_at, then event_id, of all there are. --from and --to look at
    where that one lies. All options that select claims must hold together; of one that is given
    again any value will do. @FILE reads values from a file, one a line, so that ids need not
    stand in the shell's history.

    \b
    In the job's folder (it holds claims: keep it as such):
      report.html   for people          report.json   for programs
      changes.csv   each changed line   job.sqlite    what the job knows

    Interrupted or killed, the same command with the same --job goes on where it was. --emit on
    the folder of a finished dry run hands over what that has found.

    \b
    Exit codes: 0 nothing changed; 3 changes found (of --emit: handed over);
    2 a usage error; 1 it failed.

    \b
    Examples:
      # Is what was decided what would be decided today?
      cg-trans-03 replay
      # What would the 2024-10-01 code ranges have changed?
      cg-trans-03 replay --policy-version 2024-10-01
      # A draft of a new version, on last year's claims
      cg-trans-03 replay --policy-dir drafts --from 2025-01-01 --to 2026-01-01
      # Denials of these members, by what was known on that day
      cg-trans-03 replay --decision deny --member @members.txt \
          --history as-of 2025-06-30T00:00:00Z
      # Look at it, then have the owners decide what differs, ten a second
      cg-trans-03 replay --reason HISTORY_NOT_FOUND --job jobs/h1
      cg-trans-03 replay --reason HISTORY_NOT_FOUND --job jobs/h1 --emit --rate 10
    """
    settings = loaded.settings
    emit, port = given["emit"], given["metrics_port"]
    _check(given)
    question = _question(given)
    basis = basis_of(question, settings)
    wanted = parameters(question, basis, settings)
    # What a failure comes to is told in one line of ours.
    set_up_logging("CRITICAL", settings.log_format)
    folder: Path | None = given["job"]
    file = JobFile(folder, wanted) if folder else JobFile.new(Path("var") / "replay", wanted)
    try:
        job = Job(settings, question, basis, file, Progress(phases=5 if emit else 4), given["rate"])
        with _metrics(settings, port, asked="metrics_port" in settings.model_fields_set):
            asyncio.run(_run(job, emit=emit))
        output: Path = given["output"] or file.folder
        report = write_outcome(output, file, question, basis, settings)
        for line in summary(
            report,
            moved_on=file.count("moved_on"),
            too_large=file.count("too_large"),
            unsure=file.count("unsure"),
        ):
            click.echo(line)
        click.echo(f"reports: {output / PAGE}, {JSON}, {CSV}")
    finally:
        file.close()
    sys.exit(_EXIT_CHANGES if report.changed else 0)


async def _run(job: Job, *, emit: bool) -> None:
    await job.run()
    if emit:
        await job.hand_over()


def _check(given: dict[str, Any]) -> None:
    if given["emit"] and given["dry_run"]:
        raise click.UsageError("--emit and --dry-run contradict each other")
    if given["emit"]:
        for name in ("history", "policy_version", "policy_dir"):
            if given[name] is not None:
                raise click.UsageError(
                    f"--emit goes without --{name.replace('_', '-')}: the worker decides by the "
                    "policy in force and by what is on file now"
                )


def _question(given: dict[str, Any]) -> Question:
    start, end = _parsed(given["start"]), _parsed(given["end"])
    if Bounds(start, end).are_empty:
        raise click.UsageError("--from must lie before --to")
    history = given["history"]
    return Question(
        source=given["source"],
        start=given["start"],
        end=given["end"],
        bounds=Bounds(start, end),
        members=given["members"],
        claims=given["claims"],
        decisions=frozenset(map(Outcome, given["decisions"])),
        reasons=given["reasons"],
        policy_version=given["policy_version"],
        policy_dir=given["policy_dir"],
        as_of=None if history is None else parse_time(history),
        history=history,
    )


def _parsed(bound: str | None) -> Bound | None:
    return None if bound is None else parse_bound(bound)


@contextmanager
def _metrics(settings: Settings, port: int | None, *, asked: bool) -> Iterator[None]:
    """Serves metrics; where only a settings file names the port, another may have it."""
    if port is None and not asked:
        yield
        return
    try:
        server = HealthServer(
            settings.metrics_host,
            settings.metrics_port if port is None else port,
            live=lambda: None,
            ready=lambda: None,
        )
    except OSError as failure:
        if port is not None:
            raise UsageError(f"--metrics-port {port}: {failure.strerror}") from None
        click.echo(f"no metrics: port {settings.metrics_port}: {failure.strerror}", err=True)
        yield
        return
    if 0 in (port, settings.metrics_port):
        click.echo(f"metrics and health on {settings.metrics_host}:{server.port}", err=True)
    try:
        yield
    finally:
        server.close()
