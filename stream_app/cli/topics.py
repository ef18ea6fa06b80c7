"""`cg-trans-03 topics`: create the topics, or check them."""

import asyncio

import click

from stream_app.cli.options import settings_option
from stream_app.settings import Settings
from stream_app.worker.topics import check_topics, create_topics, topic_specs


@click.group("topics")
def command() -> None:
    """Create the topics, or check that they are as the worker needs them.

    Ours are created with explicit partitions, replication, retention, clean-up and sizes (see
    `cg-trans-03 config --help` for the settings); changelogs included. The two inbound topics
    are the platform's and only checked, unless you say --inputs.
    """


@command.command("create")
@click.option("--inputs", is_flag=True, help="Create the two inbound topics, too (laptop, test).")
@settings_option
def create(settings: Settings, inputs: bool) -> None:
    """Create the topics that are missing. What exists is not touched."""
    created = asyncio.run(create_topics(settings, inputs=inputs))
    for name in created:
        click.echo(f"created {name}")
    click.echo(f"{len(created)} created, {len(topic_specs(settings)) - len(created)} left alone")


@command.command("check")
@settings_option
def check(settings: Settings) -> None:
    """Compare the cluster's topics with what the worker needs; exit 1 where they differ."""
    asyncio.run(check_topics(settings))
    click.echo("the topics are as the worker needs them")
