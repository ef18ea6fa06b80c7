"""`cg-trans-03 demo`: the whole pipeline on a real Kafka, with an answer that is checked."""

import click

from stream_app.demo.failure import DemoFailure
from stream_app.demo.page import Page
from stream_app.demo.run import Ask, demo_plan, run_demo
from stream_app.demo.screen import Screen
from stream_app.synthetic import Plan

_DEFAULTS = Plan()


@click.command("demo")
@click.option(
    "--seed",
    type=int,
    default=_DEFAULTS.seed,
    show_default=True,
    help="The same seed gives the same claims and the same decisions.",
)
@click.option(
    "--claims",
    type=click.IntRange(min=1),
    default=_DEFAULTS.claims,
    show_default=True,
    help="How many claims to feed.",
)
@click.option(
    "--incidence",
    type=float,
    default=_DEFAULTS.incidence,
    show_default=True,
    help="Share of them that the guideline speaks of.",
)
@click.option("--keep", is_flag=True, help="Leave broker and worker up, and say how to stop them.")
@click.pass_context
def command(ctx: click.Context, seed: int, claims: int, incidence: float, keep: bool) -> None:
    r"""Run the whole pipeline on a real Kafka and check its answers.

    Starts a broker on a loopback port and a worker, feeds a seeded synthetic population (histories
    before and after their claims, replacements, redeliveries, malformed events), waits until all
    of it is read and committed, and reads the output topics. Prints decisions by outcome and
    reason, an example of each explained, dead letters and throughput, and checks that every
    claim that went in came out. What it started is stopped and removed, on Ctrl-C, too.

    Where KAFKA_BOOTSTRAP_SERVERS is set, that cluster is used, under topic and group names that
    begin with cg-trans-03-demo-; the topics are deleted at the end. Of other settings only those
    that tell how to reach a cluster are heeded.

    \b
    Exit codes: 0 the check holds; 1 it does not, or something stopped or got stuck;
    2 a usage error, or something that is needed is missing.

    \b
    Examples:
      cg-trans-03 demo
      cg-trans-03 demo --claims 20000 --incidence 0.01
      cg-trans-03 demo --keep
    """
    plan = demo_plan(seed, claims, incidence)
    try:
        holds = run_demo(Ask(plan, keep), Screen(Page()))
    except DemoFailure as failure:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {failure}", err=True)
        ctx.exit(1)
    ctx.exit(0 if holds else 1)
