"""A real Prometheus on loopback, with the chart's rules: for the tests and for the pictures."""

import json
import re
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from deploy.values import CHART

RULES = CHART / "rules" / "cg-trans-03.yaml"


class Prometheus:
    """A running Prometheus, which scrapes what it is told to, each second."""

    def __init__(self, port: int, targets: Path) -> None:
        self._port = port
        self._targets = targets

    def scrape(self, pods: Mapping[str, int]) -> None:
        """Scrape these from now on: pod names to ports."""
        groups = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": "here", "pod": pod}}
            for pod, port in pods.items()
        ]
        # It reads the file whenever it changes; a half-written one it would refuse.
        written = self._targets.with_suffix(".part")
        written.write_text(json.dumps(groups))
        written.rename(self._targets)

    def ask(self, path: str, **query: str) -> Any:
        """What the API answers; None as long as it does not."""
        address = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def has_data(self, expression: str) -> bool:
        found = self.ask("query", query=expression)
        return bool(found) and bool(found["result"])


@contextmanager
def prometheus(program: str, folder: Path) -> Iterator[Prometheus]:
    """Run one for the length of a `with` block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    targets = folder / "targets.json"
    discovery = {"files": [str(targets)], "refresh_interval": "5s"}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "cg-trans-03", "file_sd_configs": [discovery]}],
    }
    file = folder / "prometheus.yml"
    YAML().dump(config, file)
    command = [
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield Prometheus(port, targets)
    finally:
        process.terminate()
        process.wait()


def as_grafana_would(expression: str, *, window: str, whole: str) -> str:
    """Fill in a panel's variables, and leave out the day that nobody has waited for.

    Args:
        expression: of a panel.
        window: for `$__rate_interval`, such as 20s.
        whole: for `$__range`.
    """
    filled = expression.replace("$namespace", ".*").replace("$__rate_interval", window)
    return filled.replace("$__range", whole).replace(" offset 1d", "")


def legend(pattern: str, labels: Mapping[str, str]) -> str:
    """A series' name, as Grafana makes it of the labels."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), pattern)
