"""`python -m benchmarks`: prepare, run, and draw."""

import sys
import tempfile
from pathlib import Path

import click

from benchmarks import setup
from benchmarks.report import write_report
from benchmarks.run import PLANS, Plan, run_plan
from benchmarks.systems import SYSTEMS

_NAMES = {"full": "throughput"}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure the service against its peers, on one broker, by the work that gets done."""


@main.command()
def prepare() -> None:
    """Make the peers' environment and compile Kafka Streams' part (`run` does so, too)."""
    setup.prepare()


@main.command()
def lock() -> None:
    """Pin the peers' Python packages anew."""
    setup.lock()


@main.command()
@click.argument("plan", type=click.Choice(list(PLANS)), default="full")
@click.option(
    "--system", "names", multiple=True, type=click.Choice(list(SYSTEMS)), help="Only these."
)
@click.option("--shape", "shapes", multiple=True, help="Only these data.")
@click.option("--rounds", type=click.IntRange(1, 20), help="How often each is measured.")
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for table and plot; default: benchmarks/results, and none for the quick plan.",
)
def run(
    plan: str,
    names: tuple[str, ...],
    shapes: tuple[str, ...],
    rounds: int | None,
    results: Path | None,
) -> None:
    """Run a plan; it ends in error only on wrong work, never on time.

    full: the three incidences, what the README shows. encodings: small batches and other codecs.
    quick: for CI, a few minutes.
    """
    setup.prepare()
    chosen: Plan = PLANS[plan].narrowed(names, shapes, rounds)
    with tempfile.TemporaryDirectory(prefix="bench-kafka-") as data:
        measured = run_plan(chosen, Path(data))
    folder = results or (None if plan == "quick" else setup.HERE / "results")
    write_report(measured, folder, _NAMES.get(plan, plan))
    wrong = [one for one in measured if not one.is_right and SYSTEMS[one.system].must_be_right]
    for one in wrong:
        click.echo(f"wrong work: {one.system} on {one.shape}: {one}", err=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
