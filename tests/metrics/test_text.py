"""Metrics as text, and in a registry of prometheus-client's: both say the same."""

from __future__ import annotations

import asyncio
import importlib
import sys
from itertools import count

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import fluid
from fluid import (
    FluidError,
    PeriodicWorker,
    QueueConsumerWorker,
    Supervisor,
    Worker,
    Workers,
    every,
)
from fluid.health import Health, Stalls
from fluid.metrics import FAMILIES, WorkerCollector, process, render, render_in_turn, text
from tests.metrics.metrics_cast import Scrape, collected, scrape
from tests.worker.fakes import worker_with


async def ignore(*_: object) -> None: ...


def one_of_each() -> Worker:
    """Returns a tree with something of everything."""
    return Supervisor(
        QueueConsumerWorker(ignore, name="q"),
        PeriodicWorker(ignore, every(10), name="sweep"),
        Workers(worker_with(name="db"), name="inner"),
        name="app",
    )


async def test_both_say_the_same_of_everything():
    async with one_of_each() as app:
        health = Health(app)
        health.stalls = Stalls()
        ours, theirs = scrape(health), collected(health)
        own = {key: value for key, value in ours.samples.items() if key[0].startswith("fluid")}
        assert own == theirs.samples
        assert {family.name for family in FAMILIES} - {name for name, *_ in own} == {
            "fluid_worker_restart_in_seconds"
        }


async def test_each_metric_has_its_type_and_what_it_says():
    async with one_of_each() as app:
        found = scrape(app).families
        for family in FAMILIES:
            if (seen := found.get(family.name.removesuffix("_total"))) is not None:
                assert (seen.type, seen.documentation) == (family.type.value, family.help)
                assert {tuple(s.labels) for s in seen.samples} == {family.labels}


async def test_names_are_escaped_so_that_none_can_forge_a_line():
    """A09"""
    names = ['a"} 1\nfluid_ready 1', "back\\slash", "new\nline", 'quo"te', "\x00\x1b[2J", "日本/…"]
    tree = Workers(*(worker_with(name=name) for name in names), name='ro"ot\\')
    paths = [worker.worker_path for worker in tree.workers()]
    for seen in scrape(tree), collected(tree):
        assert set(seen.of("fluid_worker_state")) == {*paths, tree.worker_path}
        assert seen.value("fluid_ready") == 0
    lines = render(Health(tree)).decode().split("\n")
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("fluid_worker_state") for line in lines) == len(names) + 1


def test_the_version_is_told():
    assert scrape(Health()).value("fluid_info", version=fluid.__version__) == 1


def test_the_process_is_told_of_where_prometheus_client_is_there(monkeypatch: pytest.MonkeyPatch):
    assert scrape(Health()).value("process_resident_memory_bytes") > 1e6
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert process.reader()() == b""


def test_a_collector_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "fluid.metrics.collector")
    monkeypatch.setitem(sys.modules, "prometheus_client.core", None)
    with pytest.raises(FluidError) as caught:
        importlib.import_module("fluid.metrics.collector")
    assert 'pip install "fluid-workers[metrics]"' in str(caught.value)


async def test_a_registry_takes_a_collector_without_a_look_at_the_tree():
    class Blind(Health):
        def report(self):
            raise AssertionError("nobody has asked")

    CollectorRegistry(auto_describe=True).register(WorkerCollector(Blind()))


async def test_a_registry_refuses_a_second_tree():
    registry = CollectorRegistry()
    registry.register(WorkerCollector(worker_with(name="a")))
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(WorkerCollector(worker_with(name="b")))


async def test_a_tree_that_nobody_watches_has_nothing_about_blocks_of_its_loop():
    assert not collected(worker_with(name="db")).of("fluid_event_loop_blocks_total", "version")
    names = {name for name, *_ in collected(worker_with(name="db")).samples}
    assert not {name for name in names if "event_loop" in name}


async def test_a_large_tree_lets_others_run_while_it_is_read_and_written(
    monkeypatch: pytest.MonkeyPatch,
):
    ticks = count(step=0.001)
    monkeypatch.setattr(text, "clock_of", lambda _: ticks.__next__)
    tree = Workers(*(worker_with(name="w") for _ in range(100)), name="app")
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.ensure_future(others())
    seen = Scrape(await render_in_turn(Health(tree)))
    beside.cancel()
    assert len(seen.of("fluid_worker_state")) == 101
    assert turns >= 3


async def test_a_registry_says_what_it_says_in_the_format_of_its_own():
    registry = CollectorRegistry()
    async with one_of_each() as app:
        registry.register(WorkerCollector(app))
        assert b'fluid_messages_queued{worker="app/q"} 0.0' in generate_latest(registry)
