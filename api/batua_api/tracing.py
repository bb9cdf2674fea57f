"""Traces, where ``BATUA_OTLP_ENDPOINT`` says where to: spans with ids, and never with a body.

OpenTelemetry is an extra.  Without an endpoint nothing of it is loaded, and a span is nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Self

from batua import __version__
from batua.errors import ConfigurationError
from batua.following import followed
from batua.redaction import redact

__all__ = ["NO_TRACER", "OtlpTracer", "RequestSpan", "Tracer", "open_tracer"]


class RequestSpan:
    """The span of a request, which ends when its status is known. This one is none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        """The request was worked on; what it raised may still be answered."""

    def end(self, status: int) -> None:
        """It was answered."""


class Tracer:
    """Draws no spans."""

    _none = RequestSpan()
    _nothing: AbstractContextManager[None] = nullcontext()

    def request(self, method: str, route: str, request_id: str) -> RequestSpan:
        """A request has come."""
        del method, route, request_id
        return self._none

    def span(self, name: str, ids: dict[str, Any]) -> AbstractContextManager[Any]:
        """A step of the work at hand."""
        del name, ids
        return self._nothing

    def close(self) -> None:
        """Send what waits."""


NO_TRACER = Tracer()


def open_tracer(endpoint: str) -> Tracer:
    """The tracer that sends to ``endpoint``. Raises ``ConfigurationError`` without the extra."""
    if not endpoint:
        return NO_TRACER
    try:
        return OtlpTracer(endpoint)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"BATUA_OTLP_ENDPOINT is set and {error.name} is not installed:"
            " pip install 'batua[otel]'"
        ) from None


class OtlpTracer(Tracer):
    """Sends spans by OTLP over HTTP, in a thread of its own; what can't be sent is dropped."""

    def __init__(self, endpoint: str) -> None:
        # An extra: loaded where it is wanted, and by name so that it may be missing.
        api = importlib.import_module("opentelemetry.trace")
        sdk = importlib.import_module("opentelemetry.sdk.trace")
        export = importlib.import_module("opentelemetry.sdk.trace.export")
        otlp = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources = importlib.import_module("opentelemetry.sdk.resources")
        # Not the process's own provider: that is a host's to set.
        self._provider: Any = sdk.TracerProvider(
            resource=resources.Resource({"service.name": "batua", "service.version": __version__}),
            shutdown_on_exit=False,
        )
        exporter = otlp.OTLPSpanExporter(endpoint=endpoint, timeout=5)
        self._provider.add_span_processor(export.BatchSpanProcessor(exporter))
        self._tracer: Any = self._provider.get_tracer("batua", __version__)
        self._api: Any = api

    def request(self, method: str, route: str, request_id: str) -> RequestSpan:
        attributes = {
            "http.request.method": method,
            "http.route": route,
            "batua.request_id": request_id,
        }
        span = self._tracer.start_span(
            f"{method} {route}", kind=self._api.SpanKind.SERVER, attributes=attributes
        )
        return _OtlpRequestSpan(self._api, span)

    @contextmanager
    def span(self, name: str, ids: dict[str, Any]) -> Iterator[Any]:
        known = {**followed(), **ids}
        attributes = {f"batua.{key}": _safe(value) for key, value in known.items()}
        # An exception's text may say what nobody may read: its type says enough.
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_status(self._api.StatusCode.ERROR, type(error).__name__)
                raise

    def close(self) -> None:
        self._provider.shutdown()


class _OtlpRequestSpan(RequestSpan):
    def __init__(self, api: Any, span: Any) -> None:
        self._api = api
        self._span = span
        self._current: Any = api.use_span(
            span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        )

    def __enter__(self) -> Self:
        self._current.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._current.__exit__(kind, error, trace)

    def end(self, status: int) -> None:
        for key, value in followed().items():
            self._span.set_attribute(f"batua.{key}", _safe(value))
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(self._api.StatusCode.ERROR)
        self._span.end()


def _safe(value: Any) -> Any:
    return redact(value) if isinstance(value, str) else value
