"""The command `cg-trans-03`: finds the subcommand, turns every failure into one clear line.

Exit codes: 0 done; 1 it ran and failed; 2 a usage or file error; 130 interrupted;
141 the reader of our output went away.
"""

import difflib
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from stream_app import __version__
from stream_app.errors import CgTrans03Error, UsageError

COMMANDS = {
    "adjudicate": "Decide claims from files: no Kafka needed.",
    "explain": "Say why one claim is decided as it is, and what would change it.",
    "policy": "List, show and compare the versions of the guideline held as data.",
    "generate": "Write a seeded synthetic population of claims and histories.",
    "demo": "Run the whole pipeline on a local Kafka and check its answers.",
    "worker": "Decide the claims of a Kafka cluster until told to stop.",
    "replay": "Decide the past again, and say what would be decided otherwise.",
    "verify": "Redo decisions from their records: the same, or what differs.",
    "top": "Watch running workers in the terminal.",
    "topics": "Create the topics, or check that they are as the worker needs them.",
    "config": "Print the settings in force, where each comes from, and what it means.",
    "kafka": "Start, stop or look at a real Kafka on this machine.",
}
"""Every subcommand and its one-line help. They stand here, and not only in their modules
(`stream_app/cli/<name>.py`, attribute ``command``), so that --help imports none of them."""

EPILOG = """\b
Begin here:
  cg-trans-03 explain claim.json --history history.jsonl
  cg-trans-03 adjudicate --history history.jsonl claims.jsonl
  cg-trans-03 demo

Each subcommand has its own --help. Synthetic or real, no claim or member is ever named
in a log line. This service applies a published guideline to data; it is not medical advice."""


class LazyGroup(click.Group):
    """A group that imports a subcommand only to run it or to print its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import ``stream_app.cli.<name>`` and hand out its ``command``."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"stream_app.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        _keep_layout(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand; on a slip of the finger name the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(COMMANDS)}"
            ctx.fail(f"no such command '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run, and leave with an exit code; no failure that we foresee shows a traceback."""
        if not standalone_mode:
            return self._run(*args, **extra)
        sys.exit(self._exit_code(*args, **extra))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; keep an interruption from being dressed up by click."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
        except BrokenPipeError:
            raise click.exceptions.Exit(141) from None

    def _run(self, *args: Any, **extra: Any) -> Any:
        base: Callable[..., Any] = super().main
        return base(*args, standalone_mode=False, **extra)

    def _exit_code(self, *args: Any, **extra: Any) -> int:
        try:
            result = self._run(*args, **extra)
            sys.stdout.flush()
        except click.Abort:
            return 130
        except BrokenPipeError:
            result = 141
        except (click.ClickException, CgTrans03Error, OSError) as error:
            return _refuse(error)
        if result == 141:
            _discard_the_rest()
        return result if isinstance(result, int) else 0


def _keep_layout(command: click.Command) -> None:
    r"""Let click see the mark that keeps it from rewrapping a paragraph.

    The mark is a backspace character; in a raw docstring, as the linter wants it, it stands
    as the two characters ``\b``.
    """
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            _keep_layout(sub)


def _refuse(error: click.ClickException | CgTrans03Error | OSError) -> int:
    """Say what is wrong; 2 where the caller can ask better, 1 where it ran and failed."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return 2
        case click.UsageError(ctx=click.Context() as ctx):
            message = f"{error.format_message()} (see '{ctx.command_path} --help')"
        case click.ClickException():
            message = error.format_message()
        case OSError(filename=None):
            raise error
        case OSError():
            message = f"{error.filename}: {error.strerror}"
        case _:
            message = str(error)
    click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True, color=_color())
    asked_wrongly = not isinstance(error, CgTrans03Error) or isinstance(error, UsageError)
    return 2 if asked_wrongly else 1


def _discard_the_rest() -> None:
    """Leave nothing to be flushed into a pipe that nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _color() -> bool | None:
    """Never colour where NO_COLOR asks for none; else as the terminal can (None)."""
    return False if os.environ.get("NO_COLOR") else None


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="cg-trans-03", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Decide donor lymphocyte infusion claims by clinical guideline CG-TRANS-03.

    Every claim of a Kafka topic passes; the few that the guideline speaks of are
    approved, denied or pended, each with reasons a reader can check.
    """
    ctx.color = _color()


def run(argv: Sequence[str] | None = None) -> NoReturn:
    """Be the console script and `python -m stream_app`."""
    main(args=list(argv) if argv is not None else None, prog_name="cg-trans-03")
    raise AssertionError("unreachable: main leaves through sys.exit")
