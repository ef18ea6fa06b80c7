"""The three acts, each waiting until all of the one before is read, done and committed."""

import asyncio
import time
from contextlib import suppress

from aiokafka.errors import KafkaError
from msgspec import Struct

from stream_app.demo.acts import Acts
from stream_app.demo.collect import collect
from stream_app.demo.failure import DemoFailure
from stream_app.demo.feed import Feeder
from stream_app.demo.numbers import Numbers, scrape
from stream_app.demo.place import Place
from stream_app.demo.process import WorkerProcess
from stream_app.demo.screen import Flow, FlowLine, Screen
from stream_app.demo.settle import Offsets
from stream_app.demo.tally import Tally
from stream_app.synthetic import Stream

_LOOK_SECONDS = 0.2


class Played(Struct, frozen=True):
    """What a run brought."""

    tally: Tally
    claims: int
    seconds: float
    """From the first claim fed until the last one was read, decided and committed."""
    cpu_seconds: float
    """Of the worker, in that time."""
    numbers: Numbers


async def play(acts: Acts, place: Place, worker: WorkerProcess, screen: Screen) -> Played:
    """Feeds everything and reads what came of it.

    Raises:
        DemoFailure: the worker or the cluster ended or does not get on.
    """
    try:
        return await _play(acts, place, worker, screen)
    except (KafkaError, TimeoutError) as failure:
        worker.must_run()
        raise DemoFailure(
            f"the cluster at {place.settings.bootstrap_servers} does not answer any more "
            f"({type(failure).__name__})"
        ) from None


async def _play(acts: Acts, place: Place, worker: WorkerProcess, screen: Screen) -> Played:
    async with (
        Feeder(place.settings, worker.must_run) as feeder,
        Offsets(place.settings) as offsets,
    ):
        with screen.waiting("history", "feeding what is known beforehand"):
            await feeder.feed(Stream.HISTORY, acts.before)
            await offsets.settled(worker.must_run)
        screen.step("history", f"{len(acts.before):,} events known before their claims; read")
        before = await _numbers(place)
        seconds = await _claims(acts, place, worker, screen, feeder, offsets)
        after = await _numbers(place)
        screen.step(
            "claims",
            f"{feeder.claims:,} fed, read and decided in {seconds:.1f} s: "
            f"{feeder.claims / seconds:,.0f} claims/s",
        )
        with screen.waiting("late", "feeding histories after their claims"):
            await feeder.feed(Stream.HISTORY, acts.late)
            await offsets.settled(worker.must_run)
        screen.step("late", f"{len(acts.late):,} history events after their claims; read")
    return Played(
        await collect(place.settings),
        feeder.claims,
        seconds,
        after.cpu_seconds - before.cpu_seconds,
        after,
    )


async def _numbers(place: Place) -> Numbers:
    """The worker's numbers; none where it does not answer, which is no reason to fail."""
    url, topic = place.url("metrics"), place.settings.claims_topic
    return await asyncio.to_thread(scrape, url, topic) or Numbers()


async def _claims(
    acts: Acts,
    place: Place,
    worker: WorkerProcess,
    screen: Screen,
    feeder: Feeder,
    offsets: Offsets,
) -> float:
    began = time.monotonic()
    with screen.flow() as line:
        watching = asyncio.create_task(_watch(line, acts, place, feeder, began))
        try:
            await feeder.feed(Stream.CLAIMS, acts.claims())
            await offsets.settled(worker.must_run)
            return time.monotonic() - began
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching


async def _watch(line: FlowLine, acts: Acts, place: Place, feeder: Feeder, began: float) -> None:
    while True:
        numbers = await _numbers(place)
        seconds = time.monotonic() - began
        line.show(Flow(acts.truth.claims, feeder.claims, seconds, numbers))
        await asyncio.sleep(_LOOK_SECONDS)
