"""A real Prometheus scrapes a running worker: everything that is shown or alarmed on has data."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deploy.dashboards import dashboards
from deploy.values import CHART
from tests.deploy.conftest import skip_or_fail
from tests.integration.events import claim, history, new_member, out_of_scope
from tests.integration.harness import System, Worker, eventually

RULES = CHART / "rules" / "cg-trans-03.yaml"


class Prometheus:
    """A Prometheus of this test's own, on loopback."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, **query: str) -> Any:
        address = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def has_data(self, expression: str) -> bool:
        found = self.ask("query", query=expression)
        return bool(found) and bool(found["result"])


@pytest.fixture
def start_prometheus(tmp_path: Path) -> Iterator[Any]:
    program = shutil.which("prometheus")
    if program is None:
        skip_or_fail("no Prometheus: on Debian: apt-get install prometheus")
    started: list[subprocess.Popen[bytes]] = []

    def start(worker: Worker) -> Prometheus:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        labels = {"namespace": "here", "pod": "worker-0"}
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {
                    "job_name": "cg-trans-03",
                    "static_configs": [{"targets": [f"127.0.0.1:{worker.port}"], "labels": labels}],
                }
            ],
        }
        file = tmp_path / "prometheus.yml"
        YAML().dump(config, file)
        with (tmp_path / "prometheus.log").open("wb") as log:
            command = [
                str(program),
                f"--config.file={file}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ]
            started.append(subprocess.Popen(command, stdout=log, stderr=log))
        return Prometheus(port)

    yield start
    for process in started:
        process.terminate()
        process.wait()


def shown() -> dict[str, str]:
    """Every panel's expressions, as Grafana would send them a minute after the start."""
    found = {}
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$namespace", ".*")
                expression = expression.replace("$__rate_interval", "20s")
                expression = expression.replace("$__range", "1m").replace(" offset 1d", "")
                found[f"{name}: {panel['title']}: {target['legendFormat']}"] = expression
    return found


def ruled() -> dict[str, str]:
    """What is recorded, and every selector of an alert: the alert itself is to have no data."""
    found = {}
    for group in YAML(typ="safe").load(RULES)["groups"]:
        for rule in group["rules"]:
            if "record" in rule:
                found[rule["record"]] = rule["expr"]
                continue
            selectors = re.findall(r"cg_trans_03[\w:]*(?:\{[^}]*\})?", rule["expr"])
            found |= {f"{rule['alert']}: {one}": one for one in selectors}
    return found


async def test_every_panel_and_rule_has_data_when_a_worker_is_scraped(
    make_system: Any, start_prometheus: Any
) -> None:
    system: System = await make_system(scan_sample_rate=1.0)
    worker = await system.start()
    prometheus = start_prometheus(worker)
    wanted = shown() | ruled()

    async def feed() -> None:
        member, unknown = new_member(), new_member()
        event = claim(member)
        await system.histories(history(member))
        await system.claims(*(out_of_scope(number) for number in range(50)))
        await system.claims(event, event, claim(unknown), b'"38242" is no claim')

    async def everything() -> bool:
        # Again and again: a rate needs two scrapes with the series, and something in between.
        await feed()
        await asyncio.sleep(1)
        for name, expression in list(wanted.items()):
            if await asyncio.to_thread(prometheus.has_data, expression):
                del wanted[name]
        return not wanted

    await eventually(everything, "all has data", or_else=lambda: "\n".join(wanted))
    firing = [alert for alert in prometheus.ask("alerts")["alerts"] if alert["state"] == "firing"]
    assert firing == []
    health = {rule["health"] for g in prometheus.ask("rules")["groups"] for rule in g["rules"]}
    assert health == {"ok"}
