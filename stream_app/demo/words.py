"""The parts of the report that are sentences: speed, lateness, where to look next."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from stream_app.demo.acts import Acts
from stream_app.demo.check import Finding, late_outcomes
from stream_app.demo.page import Page
from stream_app.demo.place import Place
from stream_app.demo.play import Played
from stream_app.demo.process import WorkerProcess
from stream_app.demo.tally import Tally


def late(page: Page, acts: Acts, tally: Tally) -> None:
    """Says what became of claims whose history came late."""
    claims, again = late_outcomes(acts, tally)
    page.line(
        f"{claims:,} claims came before their history and were decided without it. When it came, "
        f"{again:,} of them got another decision, which names the one that it supersedes."
    )


def throughput(page: Page, played: Played) -> None:
    """Says how fast it was, and how that was measured."""
    page.heading("Throughput")
    page.line(
        f"{played.claims / played.seconds:,.0f} claims/s: {played.claims:,} claims in "
        f"{played.seconds:.1f} s, from the first one fed until every one was read and its decision "
        "acknowledged and committed. Generator, producer, broker and worker share this machine: it "
        "is what they do together."
    )
    if played.cpu_seconds > 0:
        page.line(
            f"The worker itself took {played.cpu_seconds:.1f} s of processor time for it, both "
            f"hops: {played.claims / played.cpu_seconds:,.0f} claims per second of a processor. "
            "`make bench` measures it at its own pace."
        )
    latency = played.numbers.latency
    if latency is not None:
        page.line(
            "From a claim's timestamp to its acknowledged decision: half within "
            f"{latency.half:g} s, 99 % within {latency.nearly_all:g} s. Claims were fed as fast as "
            "they could be made, so most of that is waiting in the topic."
        )


def verdict(page: Page, found: Sequence[Finding]) -> None:
    """Says it in one line."""
    broken = sum(not finding.holds for finding in found)
    page.put()
    if broken:
        page.put(Text(f"The check does not hold: {broken} of {len(found)} findings.", "bold red"))
        page.put(Text("KEEP=1 leaves everything up to be looked at."))
    else:
        page.put(Text("All of it holds: what went in came out, and as it must.", "bold green"))


def further(page: Page, place: Place, worker: WorkerProcess, *, kept: bool) -> None:
    """Says where to look next, and how to stop what was left up."""
    us = our_name()
    if not kept:
        page.heading("To look further")
        page.line(
            "`make run KEEP=1` (or --keep) leaves broker and worker up and tells where metrics, "
            "health and topics are; this run's are stopped and removed. Without Kafka:"
        )
        page.command(f"{us} generate --out-dir demo")
        page.command(f"{us} adjudicate --history demo/history.jsonl demo/claims.jsonl")
        return
    settings = place.settings
    page.heading("Still up, to look further")
    page.command(f"curl -s {place.url('metrics')} | grep ^cg_trans_03_", "what it counts")
    page.command(f"curl {place.url('readyz')}", "is it ready? /livez: is it alive?")
    page.command(f"tail -f {place.worker_log}", "its log")
    page.command(f"export CG_TRANS_03_SETTINGS_FILE={place.settings_file}", "for these two")
    page.command(f"{us} topics check")
    page.command(f"{us} config")
    page.command(
        f"kcat -C -e -b {settings.bootstrap_servers} -t {settings.deny_topic}",
        "denials; apt-get install kcat",
    )
    page.heading("To stop it")
    page.command(f"kill {worker.pid}", "the worker: commits, leaves its groups, exits 0")
    if place.prefix:
        page.line(f"and delete the topics that begin with {place.prefix}.")
    else:
        page.command(f"{us} kafka down --data {place.kafka_data}")
    page.command(f"rm -r {place.folder}")


def our_name() -> str:
    """How to call us from here: the bare name where the path has it, else the venv's script."""
    if shutil.which("cg-trans-03"):
        return "cg-trans-03"
    script = Path(sys.executable).with_name("cg-trans-03")
    return str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script)
