"""`python -m benchmarks`: prepare, run, and draw."""

import signal
import sys
import tempfile
from pathlib import Path

import click

from benchmarks import setup
from benchmarks.cluster import cluster
from benchmarks.plans import NAMES, PLANS
from benchmarks.report import draw, keep
from benchmarks.systems import SYSTEMS

RESULTS = setup.HERE / "results"


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
def pictures() -> None:
    """Draw the results that are there anew."""
    for raw in sorted(RESULTS.glob("*.json")):
        draw(raw)


@main.command()
@click.argument("plans", metavar="[PLAN]...", nargs=-1, type=click.Choice(list(PLANS)))
@click.option(
    "--system", "names", multiple=True, type=click.Choice(list(SYSTEMS)), help="Only these."
)
@click.option("--shape", "shapes", multiple=True, help="Only these data (or factors).")
@click.option("--rounds", type=click.IntRange(1, 20), help="How often each is measured.")
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for tables and pictures; default: benchmarks/results, and none for `quick`.",
)
def run(
    plans: tuple[str, ...],
    names: tuple[str, ...],
    shapes: tuple[str, ...],
    rounds: int | None,
    results: Path | None,
) -> None:
    """Run plans on one broker; it ends in error only on wrong work, never on time.

    \b
    full      all systems, the three incidences (the default)
    latency   from a claim to its decision, at steady rates
    curves    what a claim costs: size, incidence, partitions, batches, codec
    workers   two worker processes beside one
    memory    a backlog of minutes
    replay    in-scope claims decided, then decided again by `replay`
    quick     throughput in a few minutes
    """  # noqa: D301  (the mark that keeps click from rewrapping is a backspace itself)
    # Told to end, it ends as by Ctrl-C: with a report of what there is, and nothing left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = {plan: PLANS[plan].narrowed(names, shapes, rounds) for plan in plans or ("full",)}
    setup.prepare()
    faults: list[str] = []
    for plan, measurements in chosen.items():
        with tempfile.TemporaryDirectory(prefix="bench-kafka-") as data, cluster(Path(data)) as one:
            report = measurements.run(one)
        folder = results or (None if plan == "quick" else RESULTS)
        keep(report, folder, NAMES.get(plan, plan))
        faults += report.faults
        if not report.is_whole:
            sys.exit(130)
    for fault in faults:
        click.echo(f"wrong work: {fault}", err=True)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
