"""Traces, where they are wanted: off by default, and then nothing of OpenTelemetry is imported."""

import importlib.util
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from stream_app.errors import UsageError
from stream_app.settings import Settings

logger = logging.getLogger(__name__)

# Either of the variables by which OpenTelemetry is told where to send traces.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

Attributes = Mapping[str, str | int | Sequence[str]]


class Tracer(Protocol):
    """Takes spans that are over."""

    def span(
        self, name: str, traceparent: str | None, begun: int, ended: int, attributes: Attributes
    ) -> None:
        """Record a span.

        Args:
            name: what was done.
            traceparent: whose child it is; None begins a trace.
            begun: nanoseconds since the epoch.
            ended: nanoseconds since the epoch.
            attributes: places and codes; nothing of a payload.
        """

    def close(self) -> None:
        """Send what is left; takes a few seconds at the most."""


def new_tracer(settings: Settings, environment: Mapping[str, str] = os.environ) -> Tracer | None:
    """A tracer where `tracing_endpoint` or OpenTelemetry's own variables ask for one.

    Raises:
        UsageError: the setting asks for one and the extra `tracing` is not installed.
    """
    if not _asked_for(settings, environment):
        return None
    if importlib.util.find_spec("opentelemetry.exporter") is None:
        hint = "traces need the extra: pip install 'cg-trans-03[tracing]'"
        if settings.tracing_endpoint is not None:
            raise UsageError(hint)
        # The variables may be everybody's on this machine: no reason not to decide claims.
        logger.warning("OTEL_ variables are set, but %s", hint)
        return None
    from stream_app.tracing.otlp import OtlpTracer  # noqa: PLC0415  (heavy, and optional)

    return OtlpTracer(settings.tracing_endpoint)


def _asked_for(settings: Settings, environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    named = any(environment.get(name, "").strip() for name in _ENDPOINTS)
    return named or settings.tracing_endpoint is not None
