"""`cg-trans-03 worker`: decide the claims of a cluster until told to stop."""

import asyncio
import sys

import click

from stream_app.cli.options import settings_option
from stream_app.settings import Settings
from stream_app.worker.build import ROLES, build_apps
from stream_app.worker.run import run
from stream_app.worker.topics import check_topics


@click.command("worker")
@click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    multiple=True,
    help="Run one hop only; by default both run in one process.",
)
@settings_option
def command(settings: Settings, roles: tuple[str, ...]) -> None:
    r"""Decide the claims of a Kafka cluster until told to stop.

    \b
      scope        reads every claim, forwards the few in scope by member; no state
      adjudicate   joins them with the members' histories and decides; owns the tables

    Checks the topics first and refuses to start where they are not as it needs them. SIGTERM
    finishes the running batch, commits, leaves the group and exits 0. Metrics and health answer
    on metrics_host:metrics_port: /metrics, /livez, /readyz.
    """
    asyncio.run(check_topics(settings))
    sys.exit(run(build_apps(settings, roles or ROLES), settings))
