"""The parts of the report that are sentences: speed, lateness, where to look next."""

from stream_app.demo.acts import Acts
from stream_app.demo.check import late_outcomes
from stream_app.demo.place import Place
from stream_app.demo.play import Played
from stream_app.demo.process import WorkerProcess
from stream_app.demo.report import Report
from stream_app.demo.tally import Tally
from stream_app.local_kafka.jars import cache_folder


def late(report: Report, acts: Acts, tally: Tally) -> None:
    """Says honestly what became of claims whose history came late."""
    claims, as_if_known = late_outcomes(acts, tally)
    if claims == as_if_known:
        return
    report.line(
        f"{claims:,} claims came before their history and were decided without it. "
        f"{claims - as_if_known:,} of them would be decided otherwise now and keep their pend: "
        "this version does not decide again when history arrives late."
    )


def throughput(report: Report, played: Played) -> None:
    """Says how fast it was, and how that was measured."""
    report.heading("Throughput")
    report.line(
        f"{played.claims / played.seconds:,.0f} claims/s: {played.claims:,} claims in "
        f"{played.seconds:.1f} s, from the first one fed until every one was read and its decision "
        "acknowledged and committed. Generator, producer, broker and worker share this machine, so "
        "this is what they do together; `make bench` measures the worker."
    )
    latency = played.numbers.latency
    if latency is not None:
        report.line(
            "From a claim's timestamp to its acknowledged decision, waiting in the topic included: "
            f"half within {latency.half:g} s, 99 % within {latency.nearly_all:g} s."
        )


def further(report: Report, place: Place, worker: WorkerProcess, *, kept: bool) -> None:
    """Says where to look next, and how to stop what was left up."""
    if not kept:
        report.heading("To look further")
        report.line(
            "`make run KEEP=1` (or `cg-trans-03 demo --keep`) leaves broker and worker up, and "
            "tells where metrics, health and topics are. This run's have been stopped and removed. "
            "Without Kafka:"
        )
        report.command("cg-trans-03 generate --out-dir demo")
        report.command("cg-trans-03 adjudicate --history demo/history.jsonl demo/claims.jsonl")
        return
    report.heading("Still up, to look further")
    servers = place.settings.bootstrap_servers
    jars = f"{cache_folder()}/*"
    report.command(f"export CG_TRANS_03_SETTINGS_FILE={place.settings_file}")
    report.command(f"curl -s {place.url('metrics')} | grep ^cg_trans_03_")
    report.command(f"curl {place.url('readyz')}")
    report.command("cg-trans-03 topics check")
    report.command(
        f"java -cp '{jars}' org.apache.kafka.tools.consumer.ConsoleConsumer "
        f"--bootstrap-server {servers} --topic {place.settings.deny_topic} "
        "--from-beginning --max-messages 1"
    )
    report.command(f"tail -f {place.worker_log}")
    report.heading("To stop it")
    report.command(f"kill {worker.pid}")
    if place.prefix:
        report.line(f"and delete the topics that begin with {place.prefix}.")
    else:
        report.command(f"cg-trans-03 kafka down --data {place.kafka_data}")
    report.command(f"rm -r {place.folder}")
