"""What tracing costs a program that has none: nothing but a look."""

from __future__ import annotations

import sys

import pytest
from opentelemetry import trace

from fluid import QueueConsumerWorker
from fluid.tracing import API, tracer
from tests.tracing.tracing_cast import Spans


async def test_without_opentelemetry_nothing_of_it_is_imported_and_handlers_are_called_directly(
    monkeypatch: pytest.MonkeyPatch,
):
    loaded = [
        name for name in sys.modules if name.startswith("opentelemetry") or name.endswith("traced")
    ]
    for name in [*loaded, "fluid.tracing.spans"]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    callers = []

    async def handle(message: int) -> None:
        callers.append(sys._getframe(1).f_code.co_filename.rpartition("/")[2])

    async with QueueConsumerWorker(handle) as consumer:
        consumer.send(1)
    assert consumer._worker.life.trace is None
    assert callers == ["plain.py"]
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]
    assert "fluid.tracing.spans" not in sys.modules


@pytest.mark.parametrize("provider", [None, trace.NoOpTracerProvider()], ids=["none", "no-op"])
async def test_a_program_that_has_set_no_provider_of_its_own_has_no_spans(
    provider: object, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    assert API in sys.modules
    assert tracer() is None


def test_a_provider_is_asked_for_a_tracer_once(spans: Spans):
    assert tracer() is tracer() is not None


def test_a_provider_that_cannot_be_loaded_is_told_of_and_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "nobody-has-this")
    assert tracer() is None
    assert "there is no tracing" in caplog.text


async def test_whether_there_is_tracing_is_decided_when_a_life_begins(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
):
    async with QueueConsumerWorker(print, name="orders"):
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    assert spans.names() == ["start orders", "stop orders"]
