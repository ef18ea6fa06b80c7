"""Options that several subcommands share."""

import click

from stream_app.settings import Loaded, Settings, load_settings

_HELP = (
    "A settings file (.toml, .yaml, .json) or one setting; may be given again. "
    "See 'cg-trans-03 config --help'."
)


def _load(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> Loaded:
    return load_settings(given)


def _settings(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> Settings:
    return load_settings(given).settings


settings_option = click.option(
    "--settings", multiple=True, metavar="FILE|KEY=VALUE", callback=_settings, help=_HELP
)
"""Adds ``--settings``; the command gets the effective `Settings` as ``settings``."""

loaded_settings_option = click.option(
    "--settings", "loaded", multiple=True, metavar="FILE|KEY=VALUE", callback=_load, help=_HELP
)
"""The same for a command that also wants to know where each comes from: gets ``loaded``."""
