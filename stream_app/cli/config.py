"""`cg-trans-03 config`: what is in force, and why."""

import difflib

import click

from stream_app.cli.options import loaded_settings_option
from stream_app.settings import Loaded, Settings
from stream_app.settings.show import as_env, as_json, as_text, as_toml


def _known(ctx: click.Context, param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in Settings.model_fields:
            near = difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise click.BadParameter(f"no setting is called '{name}'{hint}", ctx, param)
    return names


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", callback=_known)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "toml", "json", "env"]),
    default="text",
    show_default=True,
    help="For people, or as a file that --settings or a shell can read.",
)
@loaded_settings_option
def command(names: tuple[str, ...], style: str, loaded: Loaded) -> None:
    r"""Print the settings in force and where each comes from. Secrets are hidden.

    With NAMEs only those, and what they mean.

    A setting such as metrics_port is given, in this order of precedence:

    \b
      on the command line   --settings metrics_port=9464
      in the environment    CG_TRANS_03_METRICS_PORT=9464
      in a file             metrics_port = 9464
                            (TOML, YAML or JSON; --settings FILE or
                            CG_TRANS_03_SETTINGS_FILE=FILE)

    KAFKA_BOOTSTRAP_SERVERS is read, too. An unknown name is refused.

    \b
    Examples:
      cg-trans-03 config
      cg-trans-03 config history missing_donor
      cg-trans-03 config --format toml > settings.toml
    """
    if names and style != "text":
        raise click.UsageError("NAMEs go with --format text only")
    writers = {"toml": as_toml, "json": as_json, "env": as_env}
    click.echo(as_text(loaded, names) if style == "text" else writers[style](loaded))
