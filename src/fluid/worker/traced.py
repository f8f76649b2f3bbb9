"""The spans of a worker's life in its tree; loaded only where the program wants spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clock import wall_clock_of
from ..tracing.spans import LifeSpans

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from .life import Life


def spans_of(life: Life, tracer: Tracer) -> LifeSpans:
    """Begins the spans of a life that begins."""
    core = life.core
    parent = core.parent()
    above = None if parent is None or parent.life is None else parent.life.trace
    down_since = None if parent is None else parent.lost_at(core)
    return LifeSpans(tracer, core.path, wall_clock_of(life.loop), above, down_since)
