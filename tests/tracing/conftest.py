"""A provider of spans, for the tests that want one."""

from __future__ import annotations

import pytest
from opentelemetry import trace

from tests.tracing.tracing_cast import Spans


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    made = Spans()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", made.provider)
    return made
