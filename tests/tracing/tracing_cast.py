"""Spans for tests: a provider of OpenTelemetry's SDK that keeps them, and what they say."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Spans:
    """The spans that have ended, in that order."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def all(self) -> tuple[ReadableSpan, ...]:
        """Returns all of them."""
        return self.exporter.get_finished_spans()

    def names(self, verb: str = "") -> list[str]:
        """Returns what they are called; those that begin with a verb only."""
        return [span.name for span in self.all() if span.name.startswith(verb)]

    def named(self, name: str) -> list[ReadableSpan]:
        """Returns those of a name."""
        return [span for span in self.all() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """Returns the only one of a name."""
        (span,) = self.named(name)
        return span


def duration(span: ReadableSpan) -> float:
    """Returns for how many seconds a span lasted."""
    assert span.start_time is not None
    assert span.end_time is not None
    return round((span.end_time - span.start_time) / 1e9, 3)


def parent_of(span: ReadableSpan) -> int | None:
    """Returns the id of the span that it is part of."""
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    """Returns the id of a span."""
    return span.get_span_context().span_id


def errors_of(span: ReadableSpan) -> list[object]:
    """Returns the types of the errors that it has recorded; its status has to fit."""
    errors = [event.attributes["exception.type"] for event in span.events]
    assert span.status.is_ok is not bool(errors)
    return errors


def current() -> str:
    """Returns the name of the span that goes on here; nothing if none does."""
    return getattr(trace.get_current_span(), "name", "")
