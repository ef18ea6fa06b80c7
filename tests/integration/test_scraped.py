"""A real Prometheus scrapes a running worker: everything that is shown or alarmed on has data."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deploy.dashboards import dashboards
from deploy.prometheus import RULES, Prometheus, as_grafana_would, prometheus
from stream_app.local_kafka.server_properties import free_ports
from tests.deploy.conftest import skip_or_fail
from tests.integration.events import claim, history, new_member, out_of_scope
from tests.integration.harness import System, eventually


@pytest.fixture
def scraper(tmp_path: Path) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    if program is None:
        skip_or_fail("no Prometheus: on Debian: apt-get install prometheus")
    with prometheus(str(program), tmp_path) as started:
        yield started


def shown() -> dict[str, str]:
    """Every panel's expressions, as Grafana would send them a minute after the start."""
    found = {}
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expression = as_grafana_would(target["expr"], window="20s", whole="1m")
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


async def replaying(system: System) -> int:
    """Let a replay hand over claim after claim, slowly enough to be looked at; its port."""
    members = [new_member() for _ in range(120)]
    events = [claim(member) for member in members]
    for event in events:
        del event["service_lines"][0]["donor_id"]
    await system.histories(*(history(member) for member in members))
    await system.claims(*events)
    await system.settled()
    (port,) = free_ports(1)
    options = ("--emit", "--rate", "4", "--metrics-port", str(port))
    job = str(system.folder / "job")
    system.launch("replay", "--job", job, *options, CG_TRANS_03_MISSING_DONOR="presume_same")
    return port


@pytest.mark.timeout(300)
async def test_every_panel_and_rule_has_data_when_a_worker_is_scraped(
    make_system: Any, scraper: Prometheus
) -> None:
    system: System = await make_system(scan_sample_rate=1.0)
    worker = await system.start()
    replay_port = await replaying(system)
    scraper.scrape({"worker-0": worker.port, "replay-0": replay_port})
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
            if await asyncio.to_thread(scraper.has_data, expression):
                del wanted[name]
        return not wanted

    await eventually(everything, "all has data", patience=200.0, or_else=lambda: "\n".join(wanted))
    firing = [alert for alert in scraper.ask("alerts")["alerts"] if alert["state"] == "firing"]
    assert firing == []
    health = {rule["health"] for g in scraper.ask("rules")["groups"] for rule in g["rules"]}
    assert health == {"ok"}
