"""Spans through OpenTelemetry's SDK to an OTLP/HTTP receiver.

Sampling, batching, headers and certificates are OpenTelemetry's own variables. Spans are sent from
a thread of the SDK's; where the receiver is slow or away they are dropped, and claims are not kept
waiting.
"""

import os
import threading

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stream_app import __version__
from stream_app.tracing import Attributes

_CLOSE_SECONDS = 3.0


class OtlpTracer:
    """Sends spans to one receiver.

    Args:
        endpoint: its address without the path, or None where OpenTelemetry's variables say it.
    """

    def __init__(self, endpoint: str | None) -> None:
        name = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "cg-trans-03"}
        resource = Resource.create({"service.version": __version__} | name)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        address = None if endpoint is None else f"{endpoint.rstrip('/')}/v1/traces"
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
        self._tracer = self._provider.get_tracer("cg-trans-03", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def span(
        self, name: str, traceparent: str | None, begun: int, ended: int, attributes: Attributes
    ) -> None:
        parent = Context()
        if traceparent is not None:
            parent = self._propagator.extract({"traceparent": traceparent}, parent)
        span = self._tracer.start_span(
            name, parent, kind=SpanKind.CONSUMER, attributes=attributes, start_time=begun
        )
        span.end(end_time=ended)

    def close(self) -> None:
        # Where nobody answers the SDK tries again and again: its thread is left behind then.
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)
