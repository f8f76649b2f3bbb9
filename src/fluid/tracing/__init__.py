"""Spans of OpenTelemetry for what workers do, where the program has set that up; else nothing.

fluid never imports OpenTelemetry by itself. Once for each life of a worker it looks whether the
program has, and has set a provider of its own. If not, that look is all that tracing costs. If so,
there is a span for

- ``start app/db``: from the start until it is ready; that of a child is part of its group's;
- ``stop app/db``: from the beginning of the stop to the end; likewise;
- ``restart app/db``: from the end of one incarnation until the next is ready, its start in it;
- ``process app/orders``: a call of a handler, for a message or a batch; each is a trace of its own;
- ``fire app/cleanup``: a call of a periodic worker; so is that.

What begins because somebody has called is part of what the caller is doing. What happens by itself,
a restart, or the stop of a worker whose ``run`` has ended, is a trace of its own.

Nothing here knows about workers.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

API = "opentelemetry.trace"
"""The module that is there if the program has imported OpenTelemetry."""


def tracer() -> Tracer | None:
    """Returns what makes spans; None unless the program has set a provider."""
    if API not in sys.modules:
        return None
    from .spans import tracer_of_program

    return tracer_of_program()
