"""The health port answers, whoever else is connected to it and however the worker is."""

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from stream_app import metrics
from stream_app.worker.health import HealthServer


class Probe:
    """A server whose answers the test decides."""

    def __init__(self) -> None:
        self.live: str | None = None
        self.ready: str | None = "scope: waiting for partitions and tables"
        self.server = HealthServer("127.0.0.1", 0, lambda: self.live, lambda: self.ready)

    def get(self, path: str) -> tuple[int, str, str]:
        try:
            url = f"http://127.0.0.1:{self.server.port}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers["Content-Type"], refused.read().decode()


@pytest.fixture
def probe() -> Iterator[Probe]:
    probe = Probe()
    yield probe
    probe.server.close()


def test_probes_say_what_is_wrong_when_something_is(probe: Probe) -> None:
    assert probe.get("/livez")[::2] == (200, "ok\n")
    assert probe.get("/readyz")[::2] == (503, "scope: waiting for partitions and tables\n")
    probe.live, probe.ready = "records are waiting", None
    assert probe.get("/livez")[::2] == (503, "records are waiting\n")
    assert probe.get("/readyz")[::2] == (200, "ok\n")


def test_metrics_are_prometheus_text_when_asked_for(probe: Probe) -> None:
    metrics.REBALANCES.labels("scope").inc()
    status, kind, text = probe.get("/metrics")
    assert status == 200
    assert kind.startswith("text/plain")
    assert 'cg_trans_03_rebalances_total{hop="scope"}' in text


def test_metrics_are_openmetrics_with_exemplars_when_asked_for_so(probe: Probe) -> None:
    metrics.DECISION_LATENCY.observe(0.2, {"trace_id": "a" * 32})
    request = urllib.request.Request(
        f"http://127.0.0.1:{probe.server.port}/metrics",
        headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        text = answer.read().decode()
    assert text.endswith("# EOF\n")
    assert f'# {{trace_id="{"a" * 32}"}} 0.2' in text
    families = list(openmetrics(text))
    assert any(sample.exemplar for family in families for sample in family.samples)


@pytest.mark.parametrize("path", ["/", "/metrics/x", "/tables", "/livez?x=1/../.."])
def test_nothing_else_is_served_when_another_path_is_asked_for(probe: Probe, path: str) -> None:
    assert probe.get(path)[0] == (200 if path.startswith("/livez?") else 404)


def test_probes_answer_when_somebody_connects_and_says_nothing(probe: Probe) -> None:
    """Else one idle connection makes an orchestrator kill a healthy worker."""
    with socket.create_connection(("127.0.0.1", probe.server.port)):
        assert probe.get("/livez")[0] == 200


def test_server_closes_when_somebody_is_still_connected_and_says_nothing() -> None:
    probe = Probe()
    with socket.create_connection(("127.0.0.1", probe.server.port)) as silent:
        silent.sendall(b"GET /metrics HT")
        closing = threading.Thread(target=probe.server.close, daemon=True)
        closing.start()
        closing.join(10)
        assert not closing.is_alive(), "a silent client holds up the worker's shutdown"


def test_server_listens_where_it_was_told_when_on_loopback(probe: Probe) -> None:
    assert probe.server._server.socket.getsockname() == ("127.0.0.1", probe.server.port)
