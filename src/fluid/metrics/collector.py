"""Metrics in a registry of prometheus-client's; imported on demand, as that is an extra."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import FluidError, how_to_install
from ..health import Health
from ..worker import Worker
from .families import FAMILIES
from .family import Family, MetricType
from .reading import Sample, Sheet

try:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector
except ModuleNotFoundError as _missing:
    raise FluidError(
        f"WorkerCollector needs the package prometheus-client; {how_to_install('metrics')}"
    ) from _missing


class WorkerCollector(Collector):
    """Tells a registry of prometheus-client's how a tree of workers is, whenever that is asked.

    ::

        import asyncio

        from prometheus_client import CollectorRegistry, generate_latest

        from fluid.metrics import WorkerCollector
        from fluid.utils.worker import QueueConsumerWorker


        async def greet(name: str) -> None: ...


        async def main() -> None:
            registry = CollectorRegistry()
            async with QueueConsumerWorker(greet, name="greeter") as greeter:
                registry.register(WorkerCollector(greeter))
                greeter.send("world")
                await greeter.join()
                text = generate_latest(registry).decode()
            print(*[line for line in text.splitlines() if "accepted_total{" in line])


        asyncio.run(main())

    It may be asked from any thread while the tree changes. Each number is then one that was true at
    a moment of the scrape, and counters never go back; but what is being moved just then may be
    counted in two places, or in none, and the times of a consumer are those of its last look at the
    queue. Asked in the event loop of the workers, all of it is of one moment.

    The registry keeps the tree alive until the collector is unregistered. One registry takes one
    collector, as its metrics are there once.

    Args:
        tree: The root of the tree, or a ``Health`` that knows it.

    Raises:
        FluidError: If prometheus-client is not installed, at the import.
    """

    def __init__(self, tree: Worker | Health) -> None:
        self._health: Health = tree if isinstance(tree, Health) else Health(tree)

    def describe(self) -> Iterator[Metric]:
        """Yields the metrics without numbers, for a registry that looks for names given twice."""
        return (_metric(family, []) for family in FAMILIES)

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics that have something to say."""
        sheet = Sheet(self._health)
        sheet.read()
        for family in FAMILIES:
            if samples := sheet.samples[family.name]:
                yield _metric(family, samples)


def _metric(family: Family, samples: list[Sample]) -> Metric:
    make = CounterMetricFamily if family.type is MetricType.COUNTER else GaugeMetricFamily
    metric = make(family.name, family.help, labels=family.labels)
    for values, number in samples:
        metric.add_metric(values, number)
    return metric
