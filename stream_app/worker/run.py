"""Running the hops in one process under Faust's worker, until told to stop."""

import asyncio
import gc
import logging
import sys
from collections.abc import Sequence
from typing import Any

import faust
from mode import Service

from stream_app.logs import set_up_logging
from stream_app.settings import Settings
from stream_app.worker.census import WORK_INTERVAL_SECONDS, Census
from stream_app.worker.faust_app import HopApp
from stream_app.worker.health import HealthServer
from stream_app.worker.progress import Progress

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_SWITCH_SECONDS = 0.0005


class _Watch(Service):
    """Serves metrics and health, and keeps them fresh."""

    def __init__(self, apps: Sequence[HopApp], settings: Settings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._progress = Progress(apps)
        self._settings = settings
        self._censuses = [_census(app, settings) for app in apps if app.tables]
        self._server: HealthServer | None = None
        self._tracers = {app.hop.tracer for app in apps if app.hop.tracer is not None}

    async def on_start(self) -> None:
        self._server = HealthServer(
            self._settings.metrics_host,
            self._settings.metrics_port,
            self._progress.live,
            self._progress.ready,
        )
        logger.info("metrics and health on %s:%d", self._settings.metrics_host, self._server.port)

    @Service.task
    async def _look(self) -> None:
        async for _ in self.itertimer(_LOOK_SECONDS, name="progress"):
            self._progress.look()
            for census in self._censuses:
                census.age()

    @Service.task
    async def _count(self) -> None:
        async for _ in self.itertimer(WORK_INTERVAL_SECONDS, name="census"):
            for census in self._censuses:
                census.work()

    async def on_stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for tracer in self._tracers:
            await asyncio.to_thread(tracer.close)


def _census(app: HopApp, settings: Settings) -> Census:
    def owned() -> frozenset[int] | None:
        hop = app.hop
        if not hop.gate.is_open:
            return None
        return frozenset(tp.partition for tp in hop.ledger.positions())

    tables: Any = app.tables
    return Census(tables["history"], tables["claims"], owned, shadow=settings.shadow)


class Worker(faust.Worker):
    """Faust's worker without its spinner, its process title and its logging set-up."""

    def __init__(self, apps: Sequence[HopApp], settings: Settings) -> None:
        first, *others = apps
        watch = _Watch(apps, settings)
        # First, and last to stop: an app's start lasts until its tables have recovered, and that is
        # when people and probes want to know.
        super().__init__(first, watch, *others, override_logging=False, redirect_stdouts=False)
        self.spinner = None

    def _say(self, *args: Any, **kwargs: Any) -> None: ...

    def _setproctitle(self, info: str, *, ident: str = "") -> None: ...


def run(apps: Sequence[HopApp], settings: Settings) -> int:
    """Run until SIGTERM or SIGINT, or until something goes wrong.

    Returns:
        0 after a signal: the running batch finished, committed, group left. 1 after a failure;
        nothing was committed that is not done.
    """
    set_up_logging(settings.log_level, settings.log_format)
    # What is built by now stays: policies, apps, code. The collector need not look at it again,
    # nor come by every few hundred objects where a claim makes dozens and all of them die young.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    # The scan lets go of the interpreter's lock for some microseconds, again and again. Each time
    # it may have to wait so long until another thread, busy with claims in scope, gives it back.
    sys.setswitchinterval(_SWITCH_SECONDS)
    worker = Worker(apps, settings)
    try:
        worker.execute_from_commandline()
    except SystemExit as done:
        code = int(done.code or 0)
    if code:
        logger.critical("the worker stopped after a failure; what was not done is not committed")
    else:
        logger.info("stopped: all that was read is done and committed")
    return code
