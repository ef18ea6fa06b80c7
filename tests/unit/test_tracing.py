"""When traces are sent, to whom, and what a span holds."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from stream_app import tracing
from stream_app.errors import UsageError
from stream_app.settings import Settings
from stream_app.tracing import new_tracer
from stream_app.worker.batch import Batch
from stream_app.worker.ledger import PartitionLedger
from stream_app.worker.spans import new_spans
from stream_app.worker.trace_context import exemplar_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("endpoint", "environment"),
    [
        (None, {}),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}),
        (None, {"OTEL_SERVICE_NAME": "x"}),
        (None, HERE | {"OTEL_SDK_DISABLED": "TRUE"}),
        ("http://127.0.0.1:9", {"OTEL_TRACES_EXPORTER": "none"}),
    ],
)
def test_there_is_no_tracer_when_none_is_asked_for(
    endpoint: str | None, environment: dict[str, str]
) -> None:
    assert new_tracer(Settings(tracing_endpoint=endpoint), environment) is None


@pytest.mark.parametrize(
    ("endpoint", "environment"),
    [
        ("http://127.0.0.1:9", {}),
        (None, HERE),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"}),
    ],
)
def test_there_is_a_tracer_when_one_is_asked_for(
    endpoint: str | None, environment: dict[str, str]
) -> None:
    tracer = new_tracer(Settings(tracing_endpoint=endpoint), environment)
    assert tracer is not None
    tracer.close()


def test_setting_is_refused_when_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'cg-trans-03\[tracing\]'"):
        new_tracer(Settings(tracing_endpoint="http://127.0.0.1:9"), {})


def test_variables_are_passed_over_when_the_extra_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They may be everybody's on that machine; claims are decided all the same."""
    caplog.set_level("WARNING")  # a command that was run before may have asked for silence
    monkeypatch.setattr(tracing.importlib.util, "find_spec", lambda _: None)
    assert new_tracer(Settings(), HERE) is None
    assert "traces need the extra" in caplog.text


@pytest.mark.parametrize(
    "bad", ["127.0.0.1:4318", "grpc://h:4317", "http://u:secret@h:4318", "http://h/?q", "http://"]
)
def test_an_endpoint_is_refused_when_it_is_no_plain_address(bad: str) -> None:
    with pytest.raises(ValueError, match="tracing_endpoint") as refused:
        Settings(tracing_endpoint=bad)
    assert "secret" not in str(refused.value)


def test_nothing_of_opentelemetry_is_loaded_when_tracing_is_off() -> None:
    code = (
        "import sys, stream_app.cli.worker, stream_app.worker.build as b\n"
        "from stream_app.settings import Settings\n"
        "b.build_apps(Settings())\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    env = {"PATH": "", "PYTHONPATH": "."}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0


def test_a_stop_is_not_held_up_when_the_receiver_never_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from stream_app.tracing import otlp

    asked, over = threading.Event(), threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            over.wait()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(otlp, "_CLOSE_SECONDS", 0.2)
    tracer = otlp.OtlpTracer(f"http://127.0.0.1:{server.server_port}")
    tracer.span("name", TRACEPARENT, 1, 2, {})
    closing = threading.Thread(target=tracer.close, daemon=True)
    closing.start()
    closing.join(30)
    assert not closing.is_alive()
    over.set()
    server.shutdown()
    server.server_close()


class Tracer:
    """Keeps the spans that it is given."""

    def __init__(self) -> None:
        self.spans: list[tuple[Any, ...]] = []

    def span(self, *span: Any) -> None:
        self.spans.append(span)

    def close(self) -> None: ...


def batch_of(*headers: tuple[str, bytes]) -> Batch:
    record: Any = SimpleNamespace(offset=7, value=b"secret", key=b"secret", headers=headers)
    return Batch("t", 3, PartitionLedger(7).read(7, 8), [record])


def test_a_span_is_made_only_when_the_batch_is_acknowledged() -> None:
    tracer, batch = Tracer(), batch_of(("traceparent", TRACEPARENT.encode()))
    spans = new_spans(tracer, "scope")
    spans.forwarded(batch, batch.records[0])
    assert tracer.spans == []
    spans.end()
    ((name, parent, begun, ended, attributes),) = tracer.spans
    assert (name, parent) == ("cg-trans-03 scope", TRACEPARENT)
    assert 0 < begun <= ended
    assert attributes == {
        "messaging.system": "kafka",
        "messaging.destination.name": "t",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 7,
        "cg_trans_03.outcome": "in_scope",
    }


def test_a_span_begins_a_trace_when_the_header_is_none() -> None:
    tracer, batch = Tracer(), batch_of(("traceparent", b"00-secret"))
    spans = new_spans(tracer, "adjudicate")
    spans.silent(batch, batch.records[0], "void")
    spans.end()
    ((_, parent, *_, attributes),) = tracer.spans
    assert parent is None
    assert "secret" not in repr(attributes)


def test_nothing_happens_when_there_is_no_tracer() -> None:
    batch = batch_of()
    spans = new_spans(None, "scope")
    assert spans is new_spans(None, "adjudicate"), "one for all: nothing is made a batch"
    spans.forwarded(batch, batch.records[0])
    spans.silent(batch, batch.records[0], "void")
    spans.told([])
    spans.end()


@pytest.mark.parametrize(
    ("traceparent", "exemplar"),
    [
        (None, None),
        (TRACEPARENT, {"trace_id": TRACE}),
        (f"{TRACEPARENT[:-2]}03", {"trace_id": TRACE}),
        (f"{TRACEPARENT[:-2]}00", None),
        (f"{TRACEPARENT[:-2]}02", None),
    ],
)
def test_an_exemplar_leads_to_a_trace_only_when_that_is_recorded(
    traceparent: str | None, exemplar: dict[str, str] | None
) -> None:
    assert exemplar_of(traceparent) == exemplar
