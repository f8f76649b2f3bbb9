"""Metrics of a tree of workers, in the terms of Prometheus.

They are read from the workers' own numbers when somebody asks for them, so nothing is counted for
their sake. ``WorkerCollector`` puts them into a registry of your own and needs the extra
``metrics``; :func:`render` writes them as text and needs nothing. ``FAMILIES`` is the table of all
that there is.
"""

from typing import TYPE_CHECKING

from ..on_demand import on_demand as _on_demand

if TYPE_CHECKING:
    from .collector import WorkerCollector
    from .families import FAMILIES
    from .family import Family, MetricType
    from .text import CONTENT_TYPE, render, render_in_turn
else:
    __getattr__ = _on_demand(
        __name__,
        {
            "CONTENT_TYPE": "fluid.metrics.text",
            "FAMILIES": "fluid.metrics.families",
            "Family": "fluid.metrics.family",
            "MetricType": "fluid.metrics.family",
            "WorkerCollector": "fluid.metrics.collector",
            "render": "fluid.metrics.text",
            "render_in_turn": "fluid.metrics.text",
        },
    )

__all__ = [
    "CONTENT_TYPE",
    "FAMILIES",
    "Family",
    "MetricType",
    "WorkerCollector",
    "render",
    "render_in_turn",
]
