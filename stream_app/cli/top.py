"""`cg-trans-03 top`: a live view of running workers."""

import contextlib
import os
import re

import click
from rich.console import Console

from stream_app.cli.options import settings_option
from stream_app.errors import UsageError
from stream_app.settings import Settings
from stream_app.top.live import Workers, once, watch

_URL = re.compile(r"https?://[^\s/?#@]+")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (not bound to: looked for)
_WIDTH, _HEIGHT = 80, 24


@click.command("top")
@click.option(
    "--url",
    "urls",
    multiple=True,
    metavar="URL",
    help="A worker's metrics port, such as http://127.0.0.1:9464; may be given again. "
    "By default metrics_host and metrics_port of the settings.",
)
@click.option("--once", "only_once", is_flag=True, help="Print one picture and end.")
@click.option(
    "--interval",
    type=click.FloatRange(0.2, 3600.0),
    default=2.0,
    show_default=True,
    help="Seconds from one look to the next.",
)
@settings_option
def command(settings: Settings, urls: tuple[str, ...], only_once: bool, interval: float) -> None:
    r"""Watch running workers: what dashboards show, for a terminal.

    \b
      cg-trans-03 top
      cg-trans-03 top --url http://127.0.0.1:9464 --url http://127.0.0.1:9465
      cg-trans-03 top --once | less

    Rates are those between two looks, sums are over all workers, what is wrong is said in words.
    q or Ctrl-C leaves. Without a terminal one picture follows the other as plain text. Exit 1 where
    no worker answers at the first look.
    """
    workers = Workers([_checked(url) for url in urls] or [_by_settings(settings)])
    console = _console()
    with contextlib.suppress(KeyboardInterrupt):
        if only_once:
            once(workers, console, interval)
        else:
            watch(workers, console, interval)


def _console() -> Console:
    console = Console(no_color=True if os.environ.get("NO_COLOR") else None, highlight=False)
    if not console.is_terminal:
        # Of a pipe nobody knows how wide it is.
        width = int(os.environ.get("COLUMNS", "0") or 0) or _WIDTH
        return Console(no_color=True, highlight=False, width=width, height=_HEIGHT)
    return console


def _checked(url: str) -> str:
    bare = url.strip().rstrip("/").removesuffix("/metrics").rstrip("/")
    if _URL.fullmatch(bare) is None:
        raise UsageError("--url must be like http://127.0.0.1:9464: scheme, host and port")
    return bare


def _by_settings(settings: Settings) -> str:
    if settings.metrics_port == 0:
        raise UsageError("metrics_port is 0, so every worker takes a free one: say --url")
    host = _EVERYWHERE.get(settings.metrics_host, settings.metrics_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.metrics_port}"
