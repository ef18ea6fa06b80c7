"""A demo run from the first broker to the last word."""

import asyncio
import logging
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from stream_app.demo.acts import Acts, sort_into_acts
from stream_app.demo.check import Finding, check
from stream_app.demo.cluster import brokers_of, delete_topics
from stream_app.demo.examples import examples, same_ids
from stream_app.demo.place import Place, given_cluster, given_place, kafka_data, local_place
from stream_app.demo.play import Played, play
from stream_app.demo.process import WorkerProcess
from stream_app.demo.report import dead_letters, decisions, explained, findings
from stream_app.demo.screen import Screen
from stream_app.demo.words import further, late, throughput, verdict
from stream_app.local_kafka import start, stop
from stream_app.local_kafka.jars import cache_folder
from stream_app.synthetic import Plan, Population
from stream_app.synthetic.poison import POISONS
from stream_app.worker.topics import create_topics

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ask(Struct, frozen=True):
    """What the caller wants."""

    plan: Plan
    keep: bool = False
    """Leave broker and worker up."""


def demo_plan(seed: int, claims: int, incidence: float) -> Plan:
    """A population in which every way of being malformed occurs, however few claims there are.

    Raises:
        UsageError: it cannot be made.
    """
    plan = Plan(seed=seed, claims=claims, incidence=incidence)
    poison = max(plan.poison, len(POISONS) / claims)
    room = max(0.0, 1 - incidence - plan.near_misses)
    plan = replace(plan, poison=min(poison, room / 2), near_misses=min(plan.near_misses, room / 2))
    plan.check()
    return plan


def run_demo(ask: Ask, screen: Screen) -> bool:
    """Plays everything; whatever it started is ended again, unless it shall be kept.

    Returns:
        Whether the check holds.

    Raises:
        CgTrans03Error: something could not be started or does not get on.
    """
    screen.title(
        "Claims in, decisions out: CG-TRANS-03 on a real Kafka",
        f"{ask.plan.claims:,} claims, {ask.plan.incidence * 100:g} % in scope, all made up from "
        f"seed {ask.plan.seed}; nobody real is in them.",
    )
    # What its clients have to complain of, we say in our own words.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    with _cleaned_up() as stack:
        folder = Path(tempfile.mkdtemp(prefix="cg-trans-03-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        place = _find_place(ask, folder, screen, stack)
        worker = WorkerProcess(place)
        stack.callback(worker.stop)
        acts = _start(ask, place, worker, screen)
        played = asyncio.run(play(acts, place, worker, screen))
        holds = _tell(ask, acts, played, place, worker, screen)
        if ask.keep:
            stack.pop_all()
    return holds


@contextmanager
def _cleaned_up() -> Iterator[ExitStack]:
    """A stack that is unwound on every way out; a second Ctrl-C does not cut that short."""

    def told_to_stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if before[number] is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, told_to_stop)
    try:
        with ExitStack() as stack:
            try:
                yield stack
            finally:
                for number in _SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _find_place(ask: Ask, folder: Path, screen: Screen, stack: ExitStack) -> Place:
    given = given_cluster()
    if given is None:
        began = time.monotonic()
        if not cache_folder().is_dir():
            screen.step("kafka", "getting its jars through Maven, this once ...")
        with screen.waiting("kafka", "starting"):
            # Registered first: an interrupted start leaves its record, and `stop` finds it.
            stack.callback(stop, kafka_data(folder))
            broker = start(kafka_data(folder), die_with_parent=not ask.keep)
        screen.step(
            "kafka", f"up on {broker.bootstrap_servers} in {time.monotonic() - began:.1f} s"
        )
        return local_place(folder, broker.bootstrap_servers)
    place = given_place(folder, asyncio.run(brokers_of(given.settings)))
    stack.callback(lambda: asyncio.run(delete_topics(place.settings)))
    screen.step(
        "kafka",
        f"{place.settings.bootstrap_servers}, as {given.origin('bootstrap_servers')} says; nothing "
        f"started. Topics and groups of this run begin with {place.prefix}"
        + ("" if ask.keep else "; the topics are deleted at the end"),
    )
    return place


def _start(ask: Ask, place: Place, worker: WorkerProcess, screen: Screen) -> Acts:
    created = asyncio.run(create_topics(place.settings, inputs=True))
    screen.step("topics", f"{len(created)} created, {place.settings.partitions} partitions each")
    began = time.monotonic()
    worker.start(outlive_us=ask.keep)
    with screen.waiting("worker", "starting"):
        acts = sort_into_acts(Population(ask.plan))  # while the worker starts
        worker.wait_ready()
    seconds = time.monotonic() - began
    screen.step("worker", f"ready in {seconds:.1f} s, process {worker.pid}")
    screen.step("", f"metrics: {place.url('metrics')}")
    screen.step("", f"log: {place.worker_log}")
    return acts


def _tell(
    ask: Ask, acts: Acts, played: Played, place: Place, worker: WorkerProcess, screen: Screen
) -> bool:
    page = screen.page
    found = examples(acts, played.tally, place.settings)
    decisions(page, played.tally, acts)
    late(page, acts, played.tally)
    dead_letters(page, played.tally)
    explained(page, found)
    throughput(page, played)
    checked = [*check(acts, played.tally), same_ids(found)]
    if not ask.keep:
        checked.append(_stopped(worker))
    findings(page, checked)
    further(page, place, worker, kept=ask.keep)
    verdict(page, checked)
    return all(finding.holds for finding in checked)


def _stopped(worker: WorkerProcess) -> Finding:
    began = time.monotonic()
    code = worker.stop()
    return Finding(
        code == 0,
        "told to stop, the worker does so",
        f"exit {code} after {time.monotonic() - began:.1f} s",
    )
