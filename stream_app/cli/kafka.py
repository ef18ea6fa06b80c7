"""`cg-trans-03 kafka`: a real Kafka on this machine, to try things out and to test against."""

import json
import os
import shutil
from pathlib import Path

import click

from stream_app.local_kafka.broker import default_data_folder, start, status, stop
from stream_app.local_kafka.probe import answers
from stream_app.settings import load_settings

NOT_ANSWERING = 1
NOT_RUNNING = 3

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_data_folder,
    show_default="~/.local/state/cg-trans-03/kafka",
    help="Folder of the broker's own: its settings, logs, topics and process id.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def command() -> None:
    r"""Start, stop or look at a real Apache Kafka on this machine.

    One broker (KRaft, no ZooKeeper, 512 MB of heap) on a loopback port. It needs Java 17 and,
    the first time only, Maven and a network to get its jars. It is for demos and tests,
    never for production.

    Where the variable KAFKA_BOOTSTRAP_SERVERS is set, that cluster is used and nothing is
    started.

    \b
    Examples:
      export KAFKA_BOOTSTRAP_SERVERS=$(cg-trans-03 kafka up)
      export CG_TRANS_03_REPLICATION_FACTOR=1   # one broker, one copy
      cg-trans-03 topics create
      cg-trans-03 kafka status
      cg-trans-03 kafka down --delete
    """


@command.command()
@data_option
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port of clients.  [default: a free one]"
)
@json_option
def up(data: Path, port: int | None, as_json: bool) -> None:
    """Start the broker, wait until it answers, print its address.

    The address alone goes to standard output. A broker that already runs is left as it is.
    """
    external = _external()
    if external:
        click.echo("KAFKA_BOOTSTRAP_SERVERS is set: using that cluster, nothing started", err=True)
        _print(as_json, external, {"bootstrap_servers": external, "external": True})
        return
    before = status(data).broker
    if before is None:
        click.echo("starting Kafka (the first time it gets the jars) ...", err=True)
    broker = start(data, port=port)
    click.echo(
        f"Kafka {'runs already' if before else 'is up'}; log: {data / 'broker.log'}", err=True
    )
    report = {
        "bootstrap_servers": broker.bootstrap_servers,
        "external": False,
        "pid": broker.pid,
        "data": str(data),
    }
    _print(as_json, broker.bootstrap_servers, report)


@command.command()
@data_option
@click.option("--delete", is_flag=True, help="Delete its topics, too.")
def down(data: Path, delete: bool) -> None:
    """Stop the broker; its topics are kept unless --delete is given."""
    click.echo("Kafka is down" if stop(data) else "no Kafka of ours was running", err=True)
    if delete:
        _delete(data)


@command.command("status")
@data_option
@json_option
@click.pass_context
def status_command(ctx: click.Context, data: Path, as_json: bool) -> None:
    """Say whether the broker runs and answers.

    Exit code 0: it answers; 1: it is there and does not answer; 3: it does not run.
    """
    external = _external()
    if external:
        word, code = ("answers", 0) if _external_answers() else ("does not answer", NOT_ANSWERING)
        report = {"bootstrap_servers": external, "external": True, "status": word}
        _print(as_json, f"{external} (KAFKA_BOOTSTRAP_SERVERS) {word}", report)
        ctx.exit(code)
    found = status(data)
    if found.broker is None:
        _print(as_json, "not running", {"status": "not running"})
        ctx.exit(NOT_RUNNING)
    word = "answers" if found.answers else "does not answer"
    report = {
        "bootstrap_servers": found.broker.bootstrap_servers,
        "external": False,
        "pid": found.broker.pid,
        "status": word,
    }
    _print(as_json, f"{found.broker.bootstrap_servers} (pid {found.broker.pid}) {word}", report)
    ctx.exit(0 if found.answers else NOT_ANSWERING)


def _external() -> str | None:
    return os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or None


def _external_answers() -> bool:
    """Ask the given cluster the way the worker would, with its credentials."""
    # Loaded here only: it brings Faust along, for which `kafka up` need not wait.
    from stream_app.worker.credentials import client_options  # noqa: PLC0415

    return answers(**client_options(load_settings().settings))


def _print(as_json: bool, text: str, report: dict[str, object]) -> None:
    click.echo(json.dumps(report) if as_json else text)


def _delete(data: Path) -> None:
    """Remove what the broker wrote, and nothing else that may lie in the folder."""
    shutil.rmtree(data / "logs", ignore_errors=True)
    for name in ("server.properties", "broker.log"):
        (data / name).unlink(missing_ok=True)
