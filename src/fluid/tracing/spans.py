"""The spans of one life of a worker; imported only where the program has OpenTelemetry itself.

A provider, its processors and its exporters are the program's. What they raise is logged, and
changes nothing for the worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import TracebackType

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    NoOpTracerProvider,
    ProxyTracerProvider,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
    set_span_in_context,
)

from ..logs import safely
from ..texts import error_text

logger: logging.Logger = logging.getLogger("fluid.tracing")

WORKER = "fluid.worker"
"""The attribute with the path of a worker."""

_known: tuple[TracerProvider, Tracer] | None = None


def tracer_of_program() -> Tracer | None:
    """Returns a tracer of the provider that the program has set, if it has."""
    global _known
    try:
        provider = trace.get_tracer_provider()
    except Exception:  # the environment may name one that cannot be loaded
        safely(logger.exception, "there is no tracing, as there is no provider")
        return None
    if isinstance(provider, ProxyTracerProvider | NoOpTracerProvider):
        return None
    if _known is None or _known[0] is not provider:
        _known = provider, provider.get_tracer("fluid")
    return _known[1]


class LifeSpans:
    """The spans of a life: its start, as part of a restart or not, and its stop.

    Args:
        tracer: What makes them.
        path: The worker.
        clock: Tells the time of day, in seconds since the epoch.
        above: The spans of its group, whose own start and stop these are a part of.
        down_since: When the incarnation before ended, if there was one.
    """

    def __init__(
        self,
        tracer: Tracer,
        path: str,
        clock: Callable[[], float],
        above: LifeSpans | None,
        down_since: float | None,
    ) -> None:
        self.tracer: Tracer = tracer
        self.path: str = path
        self.clock: Callable[[], float] = clock
        self._above: LifeSpans | None = above
        self._restart: Span | None = None
        self._start: Span | None = None
        self._stop: Span | None = None
        _guarded(self._begin, down_since)

    def ready(self) -> None:
        """Ends the start."""
        _guarded(self._end_start, None, "")

    def stopping(self, *, asked: bool) -> None:
        """Begins the stop."""
        _guarded(self._begin_stop, asked)

    def ended(self, reason: str, code: int, error: BaseException | None) -> None:
        """Ends whatever goes on."""
        _guarded(self._end, reason, code, error)

    def _begin(self, down_since: float | None) -> None:
        context = _below(None if self._above is None else self._above._start)
        if down_since is not None:  # it follows from no call that goes on
            self._restart = self._new("restart", context or Context(), down_since)
            context = _below(self._restart)
        self._start = self._new("start", context)

    def _begin_stop(self, asked: bool) -> None:
        context = _below(None if self._above is None else self._above._stop)
        if context is None and not asked:
            context = Context()
        self._stop = self._new("stop", context)
        self._stop.set_attribute("fluid.asked", asked)

    def _end_start(self, error: BaseException | None, otherwise: str) -> None:
        for span in (self._start, self._restart):
            if span is not None:
                if error is not None:
                    note(span, error)
                elif otherwise:
                    span.set_status(Status(StatusCode.ERROR, otherwise))
                self._finish(span)
        self._start = self._restart = None

    def _end(self, reason: str, code: int, error: BaseException | None) -> None:
        self._end_start(error, reason)
        if (stop := self._stop) is not None:
            stop.set_attributes({"fluid.reason": reason, "fluid.code": code})
            if error is not None:
                note(stop, error)
            self._finish(stop)
        self._stop = self._above = None

    def _new(self, verb: str, context: Context | None, at: float | None = None) -> Span:
        return self.tracer.start_span(
            f"{verb} {self.path}",
            context,
            attributes={WORKER: self.path},
            start_time=ns(self.clock() if at is None else at),
        )

    def _finish(self, span: Span) -> None:
        span.end(ns(self.clock()))


class CallSpans:
    """The spans around the calls of a handler, in one life.

    Each call is a trace of its own: what was going on when the worker was started is long over.

    Args:
        life: The spans of that life.
        verb: What a call is called.
        kind: As OpenTelemetry has it.
        attributes: What each span has.
    """

    def __init__(
        self, life: LifeSpans, verb: str, kind: SpanKind, attributes: Mapping[str, str]
    ) -> None:
        self.tracer: Tracer = life.tracer
        self.clock: Callable[[], float] = life.clock
        self.name: str = f"{verb} {life.path}"
        self.kind: SpanKind = kind
        self.attributes: dict[str, str] = {WORKER: life.path, **attributes}

    @classmethod
    def of_messages(cls, life: LifeSpans) -> CallSpans:
        """Returns those of a consumer.

        Source: OpenTelemetry's semantic conventions for messaging.
        """
        return cls(
            life,
            "process",
            SpanKind.CONSUMER,
            {
                "messaging.system": "fluid",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": life.path,
            },
        )

    @classmethod
    def of_fires(cls, life: LifeSpans) -> CallSpans:
        """Returns those of a periodic worker."""
        return cls(life, "fire", SpanKind.INTERNAL, {})

    def around(self, count: int | None = None) -> CallSpan:
        """Returns the span around one call.

        Args:
            count: How many messages it is called with, if they are a batch.
        """
        return CallSpan(self, count)


class CallSpan:
    """The span around one call: the current one inside, with the error that comes out."""

    __slots__ = ("_count", "_of", "_span", "_token")

    def __init__(self, of: CallSpans, count: int | None) -> None:
        self._of: CallSpans = of
        self._count: int | None = count
        self._span: Span | None = None

    def __enter__(self) -> None:
        _guarded(self._begin)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._span is not None:
            _guarded(self._end, self._span, error)

    def _begin(self) -> None:
        of = self._of
        span = of.tracer.start_span(
            of.name, Context(), of.kind, of.attributes, start_time=ns(of.clock())
        )
        if self._count is not None:
            span.set_attribute("messaging.batch.message_count", self._count)
        self._token = attach(set_span_in_context(span))
        self._span = span

    def _end(self, span: Span, error: BaseException | None) -> None:
        if isinstance(error, GeneratorExit):  # the loop is torn down, in no context of ours
            span.end()
            return
        detach(self._token)
        if isinstance(error, Exception):  # a cancel, or an exit, is no error of the handler's
            note(span, error)
        span.end(ns(self._of.clock()))


def note(span: Span, error: BaseException) -> None:
    """Records an error, and that the span has failed of it."""
    if span.is_recording():
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, error_text(error)))


def _below(parent: Span | None) -> Context | None:
    """Returns the context of a span below ``parent``, else of one below whatever goes on here."""
    return None if parent is None else set_span_in_context(parent)


def ns(seconds: float) -> int:
    """Returns a time of day as OpenTelemetry has it: in nanoseconds since the epoch."""
    return int(seconds * 1e9)


def _guarded(action: Callable[..., None], *args: object) -> None:
    try:
        action(*args)
    except Exception:
        safely(logger.exception, "tracing has failed; the worker goes on")
