"""The parts of the report that are sentences: speed, lateness, where to look next."""

from collections.abc import Sequence

from rich.text import Text

from stream_app.demo.acts import Acts
from stream_app.demo.check import Finding, late_outcomes
from stream_app.demo.page import Page
from stream_app.demo.place import Place
from stream_app.demo.play import Played
from stream_app.demo.process import WorkerProcess
from stream_app.demo.tally import Tally
from stream_app.local_kafka.jars import cache_folder


def late(page: Page, acts: Acts, tally: Tally) -> None:
    """Says honestly what became of claims whose history came late."""
    claims, as_if_known = late_outcomes(acts, tally)
    if claims == as_if_known:
        return
    page.line(
        f"{claims:,} claims came before their history and were decided without it. "
        f"{claims - as_if_known:,} of them would be decided otherwise now and keep their pend: "
        "this version does not decide again when history arrives late."
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
    else:
        page.put(Text("All of it holds: what went in came out, and as it must.", "bold green"))


def further(page: Page, place: Place, worker: WorkerProcess, *, kept: bool) -> None:
    """Says where to look next, and how to stop what was left up."""
    if not kept:
        page.heading("To look further")
        page.line(
            "`make run KEEP=1` (or `cg-trans-03 demo --keep`) leaves broker and worker up, and "
            "tells where metrics, health and topics are. This run's have been stopped and removed. "
            "Without Kafka:"
        )
        page.command("cg-trans-03 generate --out-dir demo")
        page.command("cg-trans-03 adjudicate --history demo/history.jsonl demo/claims.jsonl")
        return
    page.heading("Still up, to look further")
    servers = place.settings.bootstrap_servers
    jars = f"{cache_folder()}/*"
    page.command(f"export CG_TRANS_03_SETTINGS_FILE={place.settings_file}")
    page.command(f"curl -s {place.url('metrics')} | grep ^cg_trans_03_")
    page.command(f"curl {place.url('readyz')}")
    page.command("cg-trans-03 topics check")
    page.command(
        f"java -cp '{jars}' org.apache.kafka.tools.consumer.ConsoleConsumer "
        f"--bootstrap-server {servers} --topic {place.settings.deny_topic} "
        "--from-beginning --max-messages 1"
    )
    page.command(f"tail -f {place.worker_log}")
    page.heading("To stop it")
    page.command(f"kill {worker.pid}")
    if place.prefix:
        page.line(f"and delete the topics that begin with {place.prefix}.")
    else:
        page.command(f"cg-trans-03 kafka down --data {place.kafka_data}")
    page.command(f"rm -r {place.folder}")
