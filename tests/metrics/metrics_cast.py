"""Metrics for tests: as prometheus-client's own parser reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from fluid import Worker
from fluid.health import Health
from fluid.metrics import WorkerCollector, render


class Scrape:
    """One reading.

    Args:
        text: What it said.
    """

    def __init__(self, text: bytes) -> None:
        self.families = {f.name: f for f in text_string_to_metric_families(text.decode())}
        self.samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }
        assert len(self.samples) == sum(len(f.samples) for f in self.families.values())

    def value(self, name: str, **labels: str) -> float:
        """Returns a number."""
        return self.samples[name, *sorted(labels.items())]

    def of(self, name: str, label: str = "worker") -> dict[str, float]:
        """Returns all numbers of a name, by one of their labels."""
        return {
            dict(labels)[label]: value
            for (called, *labels), value in self.samples.items()
            if called == name
        }

    def workers(self) -> set[str]:
        """Returns every worker that has a metric of its own."""
        return {dict(labels)["worker"] for _, *labels in self.samples if "worker" in dict(labels)}


def scrape(tree: Worker | Health) -> Scrape:
    """Reads a tree as ``/metrics`` does."""
    return Scrape(render(tree if isinstance(tree, Health) else Health(tree)))


def collected(tree: Worker | Health) -> Scrape:
    """Reads a tree as a registry of prometheus-client's does."""
    registry = CollectorRegistry()
    registry.register(WorkerCollector(tree))
    return Scrape(generate_latest(registry))
