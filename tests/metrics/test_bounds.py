"""How many metrics there are, and how many labels, in any tree."""

from __future__ import annotations

import threading

import pytest

from fluid import DynamicSupervisor, QueueConsumerWorker, Supervisor, Worker, Workers
from fluid.health import Health
from fluid.metrics import render
from fluid.metrics.reading import MOST_SHOWN
from tests.metrics.metrics_cast import Scrape, collected, scrape
from tests.worker.fakes import worker_with


async def ignore(*_: object) -> None: ...


async def test_children_of_a_dynamic_supervisor_are_counted_and_never_named():
    """A14"""
    crowd = DynamicSupervisor(lambda: Workers(worker_with(name="w"), name="pair"), name="crowd")
    async with Supervisor(crowd, name="app") as app:
        before = scrape(app).samples.keys()
        for _ in range(5):
            await crowd.start_child()
        seen = scrape(app)
        assert seen.workers() == {"app", "app/crowd"}
        assert seen.of("fluid_supervisor_children") == {"app": 1, "app/crowd": 5}
        assert seen.samples.keys() == before


async def test_those_of_them_that_come_and_go_are_in_the_numbers_by_state():
    """A14"""
    crowd = DynamicSupervisor(lambda: worker_with(name="w"), name="crowd")
    async with crowd:
        for _ in range(5):
            await crowd.start_child()
        seen = scrape(crowd)
        assert seen.value("fluid_workers", state="running") == 6
        assert seen.value("fluid_workers_left_out") == 5


@pytest.mark.parametrize("read", [scrape, collected])
async def test_of_a_tree_of_too_many_workers_the_upper_levels_are_shown(read):
    """A14"""
    floors = [
        Workers(*(worker_with(name=f"w{n}") for n in range(600)), name=f"floor{number}")
        for number in range(2)
    ]
    seen = read(Workers(*floors, name="app"))
    shown = seen.of("fluid_worker_state")
    assert len(shown) == MOST_SHOWN
    assert {"app", "app/floor0", "app/floor1", "app/floor0/w599", "app/floor1/w396"} <= set(shown)
    assert seen.value("fluid_workers_left_out") == 1203 - MOST_SHOWN
    assert seen.value("fluid_workers", state="init") == 1203


def test_code_of_the_users_is_not_called():
    class Nosy(Workers):
        def workers(self):
            raise AssertionError("called")

        async def status(self):
            raise AssertionError("called")

        def is_ready(self):
            raise AssertionError("called")

    assert scrape(Nosy(worker_with(name="w"), name="app")).workers() == {"app", "app/w"}


# --- from other threads --------------------------------------------------------------------------


def in_a_thread(health: Health) -> Scrape:
    """Reads a tree in another thread, while its loop stands still."""
    texts: list[bytes] = []
    thread = threading.Thread(target=lambda: texts.append(render(health)))
    thread.start()
    thread.join()
    return Scrape(texts[0])


async def test_another_thread_gets_the_times_of_a_consumer_as_of_its_last_look_and_changes_none():
    consumer = QueueConsumerWorker(ignore, name="q")
    async with consumer:
        consumer.pause()
        for _ in range(3):
            consumer.send(1)
        await consumer.sleep(10)
        meter = consumer._worker.mailbox.meter
        looked_at, waited = meter.at, meter.waited
        seen = in_a_thread(Health(consumer))
        assert (meter.at, meter.waited) == (looked_at, waited)
        assert seen.value("fluid_messages_queued", worker="q") == 3
        assert seen.value("fluid_messages_oldest_age_seconds", worker="q") == 10
        assert seen.value("fluid_messages_waited_seconds_total", worker="q") == waited
        assert scrape(consumer).value("fluid_messages_waited_seconds_total", worker="q") > waited
        consumer.resume()


@pytest.mark.parametrize("kind", [Workers, Supervisor])
def test_a_child_may_be_added_in_the_middle_of_a_look(kind: type[Workers]):
    tree = kind(worker_with(name="a"), worker_with(name="b"))
    needed, cores = tree._worker.needed(), tree._worker.cores()
    assert next(needed) is next(cores)
    tree.add_workers(worker_with(name="c"))
    assert len([*needed]) == len([*cores]) == 1


@pytest.mark.real
async def test_a_tree_may_change_while_another_thread_reads_it():
    errors: list[BaseException] = []
    crowd = DynamicSupervisor(lambda: worker_with(name="w"), restart="temporary", name="crowd")
    box = QueueConsumerWorker(ignore, name="q")
    app = Supervisor(crowd, box, name="app")
    health = Health(app)
    over = threading.Event()

    def read() -> None:
        try:
            while not over.is_set():
                health.leaving = None
                health._report = None  # so that it looks at the whole tree each time
                render(health)
        except BaseException as error:
            errors.append(error)

    async with app:
        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        children: list[Worker] = []
        for number in range(60):
            children.append(await crowd.start_child())
            box.send(number)
            if len(children) > 20:
                children.pop(0).gracefully_stop()
        over.set()
        for thread in threads:
            thread.join()
    assert errors == []
