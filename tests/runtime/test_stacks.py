"""The dump of a process: its workers, the tasks beside them, its threads."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from fluid import Worker, Workers
from fluid.health import Stalls
from fluid.runtime import stacks
from fluid.runtime.stacks import MOST_ENTRIES, MOST_PLACES, core_of_task, dump, thread_stack
from tests.contract.cast import Idle, Recorder, for_ever


def sections(worker):
    """Returns what a dump has below each of its headings, and its first line."""
    text = dump(worker, asyncio.get_running_loop(), threading.get_ident(), Stalls())
    first, *lines = text.splitlines()
    found, entries = {}, []
    for line in lines:
        if line.startswith(" "):
            entries.append(line)
        else:
            found[line.rstrip(":")] = entries = []
    return first, found


def heads(entries):
    return [line.strip() for line in entries if not line.startswith("      ")]


def places_of(entries, head):
    """Returns the names of the functions below the entry that begins like this."""
    begin = next(n for n, line in enumerate(entries) if line.strip().startswith(head)) + 1
    places = []
    for line in entries[begin:]:
        if not line.startswith("      "):
            break
        places.append(line.split(" in ")[-1].rpartition(".")[2])
    return places


class Parent(Worker):
    """Makes tasks of its own."""

    async def on_startup(self):
        self.children = [asyncio.create_task(for_ever(), name=name) for name in ("a", "b")]

    async def run(self):
        await self.sleep(1e9)

    async def on_shutdown(self):
        for child in self.children:
            child.cancel()
        await asyncio.wait(self.children)


# --- workers -------------------------------------------------------------------------------------


async def test_a_dump_begins_with_the_process_and_the_blocks_of_its_loop():
    first, _ = sections(None)
    assert first.startswith(f"process {os.getpid()}; its event loop was blocked 0 times")


async def test_a_dump_tells_of_a_block_that_goes_on():
    loop, thread = asyncio.get_running_loop(), threading.get_ident()
    first, *_ = dump(None, loop, thread, Stalls(), 3.72).splitlines()
    assert first.endswith("0.0 at the longest, and has been for 3.7 seconds now")


async def test_a_dump_without_a_worker_says_so():
    _, found = sections(None)
    assert found["workers"] == ["  none"]


async def test_a_dump_has_every_worker_with_its_state_and_where_it_waits():
    app = Workers(Idle(name="a"), Workers(Recorder(run=for_ever), name="b"), name="app")
    async with app:
        await asyncio.sleep(2)
        next(app.workers()).gracefully_stop()
        await asyncio.sleep(1)
        _, found = sections(app)
    assert heads(found["workers"]) == [
        "app (Workers): stopping, run, 3.0 seconds",
        "app/a (Idle): stopped",
        "app/b (Workers): stopping, run, 3.0 seconds",
        "app/b/recorder (Recorder): stopping, run, 3.0 seconds",
    ]
    assert places_of(found["workers"], "app/a ") == []
    assert places_of(found["workers"], "app/b/recorder ")[-3:] == ["act", "for_ever", "wait"]


async def test_a_dump_shows_who_starts_and_who_was_not_started_yet():
    app = Workers(Recorder(name="a", on_startup=for_ever), Idle(name="b"), name="app")
    start = asyncio.create_task(app.startup(), name="start")
    await asyncio.sleep(1)
    _, found = sections(app)
    start.cancel()
    await asyncio.wait([start])
    assert heads(found["workers"])[1:] == [
        "app/a (Recorder): running, on_startup, 1.0 seconds",
        "app/b (Idle): init",
    ]


async def test_a_dump_forgets_nobody_however_deep_and_stops_at_a_thousand():
    app = Workers(*(Idle() for _ in range(MOST_ENTRIES + 4)), name="app")
    assert heads(sections(app)[1]["workers"])[-1] == "and 5 more"
    deep = Idle(name="leaf")
    for _ in range(990):
        deep = Workers(deep, name="g")
    assert "leaf (Idle): init" in heads(sections(deep)[1]["workers"])[-1]


HOSTILE = ("one\ntwo", "\x1b[2J", "a\r\nworkers:", "\u202eppa", "x" * 10_000)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_name_forges_no_line(name):
    task = asyncio.create_task(for_ever(), name=name)
    await asyncio.sleep(0)
    tame, hostile = sections(Idle(name="tame"))[1], sections(Idle(name=name))[1]
    task.cancel()
    for heading in "workers", "other tasks":
        assert len(hostile[heading]) == len(tame[heading])
        assert all(line.isprintable() for line in hostile[heading])
    assert max(map(len, hostile["other tasks"])) < 2500


# --- tasks ---------------------------------------------------------------------------------------


async def test_a_dump_tells_tasks_inside_a_worker_from_those_outside():
    outside = asyncio.create_task(for_ever(), name="outside")
    async with Workers(Parent(), name="app") as app:
        await asyncio.sleep(1)
        _, found = sections(app)
    outside.cancel()
    tasks = [head for head in heads(found["other tasks"]) if "fluid" not in head]
    assert sorted(tasks) == [
        "a, inside worker app/parent",
        "b, inside worker app/parent",
        "main",
        "outside",
    ]
    assert places_of(found["other tasks"], "a, inside") == ["for_ever", "wait"]


async def test_a_dump_counts_tasks_from_a_thousand_on():
    tasks = [asyncio.create_task(for_ever()) for _ in range(MOST_ENTRIES + 1)]
    await asyncio.sleep(0)
    _, found = sections(None)
    assert heads(found["other tasks"])[-1] == "and 2 more"  # main is one of them
    for task in tasks:
        task.cancel()


async def test_a_task_is_that_of_the_worker_in_which_it_was_made():
    async with Workers(Parent(), name="app") as app:
        (parent,) = app.workers()
        assert core_of_task(parent._worker.life.task) is parent._worker
        assert [core_of_task(child) for child in parent.children] == [parent._worker] * 2
        assert core_of_task(asyncio.current_task()) is None


async def test_a_task_of_a_worker_that_is_gone_is_nobodys():
    class Careless(Worker):
        async def run(self):
            left.append(asyncio.create_task(for_ever()))

    left = []
    worker = Careless()
    await worker.startup()
    await worker.wait_for_shutdown()
    (task,) = left
    assert core_of_task(task) is worker._worker
    del worker
    assert core_of_task(task) is None
    task.cancel()


# --- threads -------------------------------------------------------------------------------------


async def test_a_dump_has_every_thread_but_those_that_only_look_on():
    go, ready = threading.Event(), threading.Barrier(3)

    def wait():
        ready.wait()
        go.wait()

    threads = [threading.Thread(target=wait, name=name) for name in ("mine", "fluid.watch")]
    for thread in threads:
        thread.start()
    ready.wait()
    try:
        _, found = sections(None)
    finally:
        go.set()
        for thread in threads:
            thread.join()
    names = heads(found["threads"])
    assert "mine" in names
    assert "fluid.watch" not in names
    assert any(name.endswith(", which runs the event loop") for name in names)
    assert "wait" in places_of(found["threads"], "mine")


def test_the_stack_of_a_thread_ends_where_it_is():
    *_, innermost, looking = thread_stack(threading.get_ident())
    assert "in thread_stack" in looking
    assert innermost.startswith(f"{__file__}:")
    assert innermost.endswith("in test_the_stack_of_a_thread_ends_where_it_is")


def test_a_thread_that_has_ended_has_no_stack():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    assert thread_stack(thread.ident) == ()


def test_of_a_stack_that_is_too_long_the_innermost_places_are_shown():
    deep = tuple(f"/app.py:{number} in f" for number in range(MOST_PLACES + 10))
    _, note, *places = stacks._entry("task", deep)
    assert note == "      ... 10 more"
    assert len(places) == MOST_PLACES
    assert places[-1].strip() == deep[-1]
