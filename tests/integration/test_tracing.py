"""Spans of a real worker reach a real OTLP/HTTP receiver, and tell of nobody."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.integration.events import TRACEPARENT, claim, history, new_member, out_of_scope
from tests.integration.harness import System

_, TRACE, PARENT, _ = TRACEPARENT.decode().split("-")


class Receiver(ThreadingHTTPServer):
    """Takes what OTLP exporters post to /v1/traces."""

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/traces", self.path
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    yield receiver
    receiver.shutdown()
    thread.join()
    receiver.server_close()


def attributes(span: Span) -> dict[str, object]:
    found: dict[str, object] = {}
    for each in span.attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        found[each.key] = (
            [one.string_value for one in value.values] if kind == "array_value" else value
        )
    return found


async def test_a_claim_is_followed_to_its_decision_when_tracing_is_on(
    system: System, receiver: Receiver
) -> None:
    s = system.settings
    worker = await system.start(
        CG_TRANS_03_TRACING_ENDPOINT=receiver.address, OTEL_BSP_SCHEDULE_DELAY="100"
    )
    member, stranger = new_member(), new_member()
    await system.histories(history(member))
    await system.settled()
    event = claim(member)
    (sent,) = await system.claims(event, headers=[("traceparent", TRACEPARENT)])
    (decision,) = await system.decided(member.claim_id)
    await system.claims(event, headers=[("traceparent", TRACEPARENT)])
    await system.claims(claim(stranger), out_of_scope(1))
    await system.decided(stranger.claim_id)
    await system.settled()
    assert await worker.stop() == 0
    assert decision.headers["traceparent"] == TRACEPARENT, "carried on as it came"

    followed = [span for span in receiver.spans if span.trace_id.hex() == TRACE]
    assert {span.parent_span_id.hex() for span in followed} == {PARENT}
    outcomes = [(span.name, attributes(span)["cg_trans_03.outcome"]) for span in followed]
    assert sorted(outcomes) == [
        ("cg-trans-03 adjudicate", "approve"),
        ("cg-trans-03 adjudicate", "redelivered"),
        ("cg-trans-03 scope", "in_scope"),
        ("cg-trans-03 scope", "in_scope"),
    ]
    (decided,) = (one for one in followed if attributes(one)["cg_trans_03.outcome"] == "approve")
    assert attributes(decided) == {
        "messaging.system": "kafka",
        "messaging.destination.name": s.claims_topic,
        "messaging.destination.partition.id": str(sent.partition),
        "messaging.kafka.offset": sent.offset,
        "cg_trans_03.outcome": "approve",
        "cg_trans_03.decision_id": decision.event["decision_id"],
        "cg_trans_03.policy_versions": ["2024-10-01"],
        "cg_trans_03.reasons": ["DLI_CRITERIA_MET"],
        "cg_trans_03.trigger": "claim",
    }
    assert all(0 < span.start_time_unix_nano <= span.end_time_unix_nano for span in followed)

    others = [span for span in receiver.spans if span.trace_id.hex() != TRACE]
    assert len(others) == 2, "one a hop of the claim without a trace; none of what is out of scope"
    assert {span.parent_span_id for span in others} == {b""}
    text = repr(receiver.requests)
    for secret in (member.member_id, member.claim_id, stranger.claim_id, member.transplant_id):
        assert secret not in text


async def test_a_latency_leads_to_its_trace_when_openmetrics_is_asked_for(system: System) -> None:
    """Without any tracing of ours: the platform's own trace is what one wants to find."""
    worker = await system.start()
    member = new_member()
    await system.claims(claim(member), headers=[("traceparent", TRACEPARENT)])
    await system.decided(member.claim_id)
    await system.settled()
    status, text = worker.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert text.endswith("# EOF\n")
    latency = [line for line in text.splitlines() if "decision_latency_seconds_bucket" in line]
    assert any(f'# {{trace_id="{TRACE}"}}' in line for line in latency)
    assert TRACE not in worker.get("/metrics")[1]


async def test_worker_decides_and_stops_when_nobody_takes_its_traces(system: System) -> None:
    worker = await system.start(
        CG_TRANS_03_TRACING_ENDPOINT="http://127.0.0.1:9", OTEL_BSP_SCHEDULE_DELAY="100"
    )
    member = new_member()
    await system.claims(claim(member), headers=[("traceparent", TRACEPARENT)])
    await system.decided(member.claim_id)
    await system.settled()
    assert await worker.stop() == 0
