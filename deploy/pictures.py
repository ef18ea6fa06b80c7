"""`python -m deploy.pictures`: what the dashboards show of a real run, as docs/pictures/*.png.

A broker, workers under load and a Prometheus that scrapes them are started, and all of them are
ended again. Grafana is not needed: each panel's expressions are asked of Prometheus and drawn by
matplotlib (`deploy/draw.py`), which is in the environment of the benchmarks.
"""

import asyncio
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.setup import PEER_PYTHON, prepare
from deploy.dashboards import dashboards
from deploy.prometheus import Prometheus, as_grafana_would, legend, prometheus
from stream_app.local_kafka import local_kafka
from stream_app.local_kafka.server_properties import free_ports
from stream_app.synthetic.population import Plan, Population, Stream
from tests.integration.harness import System, Worker, eventually

SECONDS = 150
"""Of load."""
_CHUNK = 400
_STEP = 2
_ROOT = Path(__file__).parent.parent


async def _run(folder: Path, bootstrap_servers: str, shown: Prometheus) -> dict[str, Any]:
    """Feed workers in waves, restart one of them, replay, and ask what there was to see."""
    system = await System.create(bootstrap_servers, "pictures", folder, scan_sample_rate=0.001)
    begun = time.time()
    try:
        adjudicate = await system.start("adjudicate")
        scope = await system.start("scope")
        pods = {"scope-0": scope, "adjudicate-0": adjudicate}
        _scrape(shown, pods)
        await _feed(system, SECONDS * 0.6)
        # A rollout: what a restart looks like belongs into a picture.
        await adjudicate.stop()
        pods["adjudicate-0"] = await system.start("adjudicate")
        _scrape(shown, pods)
        await _feed(system, SECONDS * 0.4, seed=2)
        await system.settled()
        await _replay(system, folder / "job", shown, pods)
        await asyncio.sleep(5)
        return await asyncio.to_thread(_seen, shown, begun, time.time())
    finally:
        await system.close()


def _scrape(shown: Prometheus, pods: dict[str, Worker]) -> None:
    shown.scrape({pod: worker.port for pod, worker in pods.items() if worker.port is not None})


async def _feed(system: System, seconds: float, seed: int = 1) -> None:
    """A population in waves, for this long."""
    s = system.settings
    topics = {Stream.CLAIMS: s.claims_topic, Stream.HISTORY: s.history_in_topic}
    events = list(
        Population(Plan(seed=seed, claims=60_000, incidence=0.1, poison=0.0005, near_misses=0.002))
    )
    begun = time.monotonic()
    for start in range(0, len(events), _CHUNK):
        chunk = events[start : start + _CHUNK]
        for stream, topic in topics.items():
            await system.feed(topic, [(e.key, e.value) for e in chunk if e.stream is stream])
        past = time.monotonic() - begun
        if past > seconds:
            return
        await asyncio.sleep(0.3 + 0.25 * math.sin(past / 8))


async def _replay(system: System, job: Path, shown: Prometheus, pods: dict[str, Worker]) -> None:
    """Decide everything again by a setting that changes some of it, and hand that over."""
    (port,) = free_ports(1)
    ports = {pod: worker.port for pod, worker in pods.items()}
    shown.scrape({**ports, "replay": port})
    options = ("--emit", "--rate", "100", "--metrics-port", str(port))
    replay = system.launch(
        "replay", "--job", str(job), *options, CG_TRANS_03_MISSING_DONOR="presume_same"
    )
    await eventually(lambda: not replay.running, "the replay ends", patience=600)
    code = replay.process.wait()
    if code not in {0, 3}:
        raise SystemExit(f"the replay ended with {code}:\n{replay.tail()}")


def _seen(shown: Prometheus, begin: float, end: float) -> dict[str, Any]:
    """Every panel's series: legend and points (seconds since the beginning, value)."""
    found: dict[str, Any] = {}
    for name, dashboard in dashboards().items():
        panels = []
        for panel in dashboard["panels"]:
            series = []
            for target in panel["targets"]:
                whole = f"{round(end - begin)}s"
                expression = as_grafana_would(target["expr"], window="15s", whole=whole)
                if target["instant"]:
                    given = shown.ask("query", query=expression, time=str(end))
                else:
                    times = {"start": str(begin), "end": str(end), "step": str(_STEP)}
                    given = shown.ask("query_range", query=expression, **times)
                series += [
                    {
                        "legend": legend(target["legendFormat"], one["metric"]),
                        "points": [
                            (at - begin, float(value))
                            for at, value in one.get("values", [one.get("value")])
                            if math.isfinite(float(value))
                        ],
                    }
                    for one in given["result"]
                ]
            panels.append(
                {
                    "title": panel["title"],
                    "kind": panel["type"],
                    "unit": panel["fieldConfig"]["defaults"]["unit"],
                    "place": panel["gridPos"],
                    "series": series,
                }
            )
        found[name] = {"title": dashboard["title"], "panels": panels}
    return found


def main() -> None:
    program = shutil.which("prometheus")
    if program is None:
        raise SystemExit("error: no Prometheus; on Debian: apt-get install prometheus")
    prepare()
    with tempfile.TemporaryDirectory(prefix="cg-trans-03-pictures-") as name:
        folder = Path(name)
        with local_kafka(folder / "kafka") as broker, prometheus(program, folder) as shown:
            seen = asyncio.run(_run(folder, broker.bootstrap_servers, shown))
        data = folder / "seen.json"
        data.write_text(json.dumps(seen))
        draw = [PEER_PYTHON, _ROOT / "deploy" / "draw.py", data, _ROOT / "docs" / "pictures"]
        subprocess.run(draw, check=True)
    sys.stderr.write("drawn: docs/pictures\n")


if __name__ == "__main__":
    main()
