"""Whom a start or a stop waits for, read off trees in each state, and who is told of it."""

from __future__ import annotations

import asyncio
import logging
import sys
from functools import partial
from math import inf

import pytest

from fluid import Supervisor, Worker, Workers
from fluid.runtime import stages
from fluid.runtime.front import MOST_NAMED, Front, stage_line
from fluid.runtime.progress import Progress
from fluid.runtime.stages import STARTING, STOPPING, Stage, Waiting
from fluid.runtime.undone import undone
from tests.contract.cast import Deaf, Idle, Recorder, Refusing, for_ever


def loop_time():
    return asyncio.get_running_loop().time()


def waiting(worker, verb):
    """Returns whom a stage of ``worker`` waits for: path, hook, seconds, innermost function."""
    return [
        (each.path, each.phase, each.seconds, each.stack[-1].split(" in ")[1].rpartition(".")[2])
        for each in stages.read(worker, verb, 0.0, inf).waiting
    ]


def slow(name, *hooks, **options):
    """Returns a worker that hangs in some of its hooks."""
    acts = dict.fromkeys(hooks, for_ever)
    return Recorder(name=name, **{"run": lambda: asyncio.sleep(1), **acts}, **options)


class Starting:
    """A worker that is being started, and given up in the end."""

    def __init__(self, worker):
        self.worker = worker

    async def __aenter__(self):
        self.task = asyncio.create_task(self.worker.startup())
        await asyncio.sleep(3)
        return self.worker

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.wait([self.task])


# --- whom a start waits for ----------------------------------------------------------------------


async def test_a_worker_that_was_not_started_waits_for_nobody():
    worker = Workers(Idle(), name="app")
    for verb in STARTING, STOPPING:
        assert waiting(worker, verb) == []


async def test_a_start_waits_for_whoever_is_in_on_startup():
    async with Starting(slow("db", "on_startup")) as worker:
        assert waiting(worker, STARTING) == [("db", "on_startup", 3.0, "wait")]


async def test_a_start_waits_for_a_run_that_has_not_announced_itself():
    class Late(Worker):
        announces_readiness = True

        async def run(self):
            await for_ever()

    async with Starting(Late(stopping_grace_period=0)) as worker:
        assert waiting(worker, STARTING) == [("late", "run", 3.0, "wait")]


async def test_a_group_that_waits_for_its_children_is_not_to_blame():
    inner = Workers(Idle(name="ready"), slow("db", "on_startup"), Idle(name="next"), name="inner")
    async with Starting(Workers(inner, name="app")) as app:
        assert waiting(app, STARTING) == [("app/inner/db", "on_startup", 3.0, "wait")]


async def test_a_group_in_a_start_of_its_own_is_to_blame():
    class Setup(Workers):
        async def on_startup(self):
            await for_ever()

    async with Starting(Setup(Idle(), name="app")) as app:
        assert waiting(app, STARTING) == [("app", "on_startup", 3.0, "wait")]


async def test_a_start_that_is_over_waits_for_nobody():
    async with Workers(Idle(), name="app") as app:
        assert waiting(app, STARTING) == []
    assert waiting(app, STARTING) == []


# --- whom a stop waits for -----------------------------------------------------------------------


async def test_who_runs_is_not_waited_for():
    async with Workers(Idle(), Workers(Idle(), name="inner"), name="app") as app:
        assert waiting(app, STOPPING) == []


async def test_a_stop_waits_for_each_who_is_still_in_it_in_the_order_of_the_tree():
    worker = slow("cleaning", "on_shutdown")
    inner = Workers(slow("a", "run", stopping_grace_period=7), Idle(name="quick"), name="inner")
    app = Workers(worker, inner, slow("b", "run", stopping_grace_period=8), name="app")
    await app.startup()
    await asyncio.sleep(2)
    app.gracefully_stop()
    await asyncio.sleep(3)
    assert waiting(app, STOPPING) == [
        ("app/cleaning", "on_shutdown", 4.0, "wait"),  # by itself, a second before it was asked
        ("app/inner/a", "run", 3.0, "wait"),
        ("app/b", "run", 3.0, "wait"),
    ]
    with pytest.raises(TimeoutError):
        await app.wait_for_shutdown()
    assert waiting(app, STOPPING) == []


async def test_a_group_in_a_cleanup_of_its_own_is_to_blame_and_its_children_are_not():
    class Closing(Workers):
        async def on_shutdown(self):
            await asyncio.sleep(2)

    app = Closing(Idle(), name="app")
    await app.startup()
    app.gracefully_stop()
    await asyncio.sleep(1)
    assert waiting(app, STOPPING) == [("app", "on_shutdown", 1.0, "sleep")]
    await app.wait_for_shutdown()


async def test_who_has_to_wait_for_its_turn_to_stop_is_not_in_it():
    app = Workers(Idle(name="a"), slow("b", "run"), name="app", stop_in_reverse=True)
    await app.startup()
    app.gracefully_stop()
    await asyncio.sleep(0.5)
    assert [each[0] for each in waiting(app, STOPPING)] == ["app/b"]
    await app.shutdown()


async def test_who_was_asked_in_this_very_step_has_been_stopping_for_no_time():
    async with slow("db", "run", stopping_grace_period=1) as worker:
        await asyncio.sleep(1)
        worker.gracefully_stop()
        assert waiting(worker, STOPPING) == [("db", "run", 0.0, "wait")]


async def test_who_was_abandoned_is_waited_for_no_longer():
    refusing = Refusing(stopping_grace_period=0)
    async with refusing:
        await asyncio.sleep(0)
    assert waiting(refusing, STOPPING) == []
    refusing.released.set()
    await asyncio.sleep(0)


async def test_a_supervisor_waits_for_the_child_that_it_stops():
    app = Supervisor(slow("db", "run", stopping_grace_period=5), name="app")
    await app.startup()
    app.gracefully_stop()
    await asyncio.sleep(1)
    assert waiting(app, STOPPING) == [("app/db", "run", 1.0, "wait")]
    await app.shutdown()


async def test_a_worker_need_not_be_hashable():
    class Equal(Deaf):  # noqa: PLW1641 (a dataclass, for one)
        def __eq__(self, other):
            return True

    app = Workers(Equal(name="a"), Equal(name="b"), name="app")
    await app.startup()
    app.gracefully_stop()
    await asyncio.sleep(1)
    assert [each[0] for each in waiting(app, STOPPING)] == ["app/a", "app/b"]
    await app.shutdown()
    assert undone(app) == ("app/a was stopped by force", "app/b was stopped by force")


async def test_no_tree_is_too_deep(request):
    request.addfinalizer(partial(sys.setrecursionlimit, sys.getrecursionlimit()))
    sys.setrecursionlimit(400)  # paths of a thousand names would take seconds
    leaf = slow("leaf", "run", stopping_grace_period=5)
    app = leaf
    for _ in range(500):
        app = Workers(app, name="g")
    await app.startup()
    app.gracefully_stop()
    await asyncio.sleep(1)
    assert [each[1:] for each in waiting(app, STOPPING)] == [("run", 1.0, "wait")]
    await app.shutdown()
    assert undone(app) == (f"{leaf.worker_path} was stopped by force",)


# --- what is said --------------------------------------------------------------------------------


def stage(elapsed, *names, verb=STARTING, bound=inf, is_over=False):
    each = (Waiting(name, "run", 1.0, ("/app.py:7 in main",)) for name in names)
    return Stage(verb, "app", elapsed, bound, tuple(each), is_over)


def test_a_line_says_what_goes_on_for_how_long_and_whom_it_waits_for():
    assert stage_line(stage(2.04)) == "app has been starting for 2.0 seconds"
    assert stage_line(stage(5.0, "app/db", verb=STOPPING, bound=17.0)) == (
        "app has been stopping for 5.0 of at most 17.0 seconds; "
        "waiting for app/db in run, at /app.py:7 in main"
    )


def test_a_line_names_five_and_counts_the_others():
    names = [f"app/{number}" for number in range(MOST_NAMED + 2)]
    assert stage_line(stage(1.0, *names[:MOST_NAMED])).count(" in run, ") == MOST_NAMED
    assert stage_line(stage(1.0, *names)).count(" in run, ") == MOST_NAMED
    assert stage_line(stage(1.0, *names)).endswith(", 2 more")


def test_a_line_is_one_whatever_is_in_a_stack():
    hostile = Waiting("app", "run", 1.0, ("/a\nERROR forged.py:1 in x\x1b[2J",))
    line = stage_line(Stage(STARTING, "app", 1.0, inf, (hostile,)))
    assert line.isprintable()


def said(caplog):
    return [float(record.getMessage().split()[5]) for record in caplog.records]


def quarters(front, verb, until):
    for quarter in range(1, int(until * 4) + 1):
        front.stage(stage(quarter / 4, verb=verb))
    front.stage(stage(until, verb=verb, is_over=True))


def test_a_start_that_goes_on_is_reported_after_1_2_5_10_20_and_every_30_seconds(caplog):
    caplog.set_level(logging.INFO, "fluid.runtime")
    quarters(Front(), STARTING, 115)
    assert said(caplog) == [1, 2, 5, 10, 20, 50, 80, 110]
    assert {(record.worker, record.levelname) for record in caplog.records} == {("app", "INFO")}


def test_the_next_stage_is_reported_from_the_beginning(caplog):
    caplog.set_level(logging.INFO, "fluid.runtime")
    front = Front()
    quarters(front, STARTING, 6)
    quarters(front, STOPPING, 3)
    assert said(caplog) == [1, 2, 5, 1, 2]


def test_a_loop_that_was_blocked_is_reported_once_for_what_was_missed(caplog):
    caplog.set_level(logging.INFO, "fluid.runtime")
    front = Front()
    for elapsed in (0.5, 12.0, 12.25, 20.0):
        front.stage(stage(elapsed))
    assert said(caplog) == [12, 20]


# --- who is told ---------------------------------------------------------------------------------


class Audience(Front):
    """Writes down what it is told, and when."""

    def __init__(self):
        super().__init__()
        self.told = []

    def stage(self, stage):
        self.told.append((stage.verb, stage.elapsed, stage.bound, stage.is_over))


def audience_and_progress():
    audience = Audience()
    return audience, Progress(asyncio.get_running_loop(), audience)


async def test_nobody_is_told_of_a_stage_that_is_over_at_once():
    audience, progress = audience_and_progress()
    progress.begin(Idle(), STARTING, inf)
    await asyncio.sleep(0.2)
    progress.end()
    await asyncio.sleep(60)
    assert audience.told == []


async def test_a_stage_is_told_of_four_times_a_second_and_once_more_when_it_is_over():
    audience, progress = audience_and_progress()
    async with Idle(name="app") as worker:
        progress.begin(worker, STARTING, 9.0)
        await asyncio.sleep(0.9)
        progress.end()
        progress.end()
        await asyncio.sleep(60)
    assert audience.told == [
        (STARTING, 0.25, 9.0, False),
        (STARTING, 0.5, 9.0, False),
        (STARTING, 0.75, 9.0, False),
        (STARTING, 0.9, 9.0, True),
    ]


async def test_a_stage_ends_the_one_before():
    audience, progress = audience_and_progress()
    async with Idle(name="app") as worker:
        progress.begin(worker, STARTING, inf)
        await asyncio.sleep(0.3)
        progress.begin(worker, STOPPING, 9.0)
        await asyncio.sleep(0.3)
        progress.end()
    assert [(verb, is_over) for verb, *_, is_over in audience.told] == [
        (STARTING, False),
        (STARTING, True),
        (STOPPING, False),
        (STOPPING, True),
    ]


async def test_a_stage_that_ends_leaves_no_timer():
    _, progress = audience_and_progress()
    progress.begin(Deaf(), STARTING, inf)
    progress.end()  # the loop complains of what is left


async def test_a_worker_that_is_still_being_made_is_waited_for_where_its_function_is():
    async def make():
        await asyncio.sleep(1)

    audience, progress = audience_and_progress()
    seen = []
    audience.stage = seen.append
    maker = asyncio.create_task(make())
    progress.begin_making("app:make", maker)
    await asyncio.sleep(0.3)
    progress.end()
    await maker
    (first, last) = seen
    assert (first.verb, first.path, first.elapsed, first.bound) == (STARTING, "app:make", 0.25, inf)
    assert first.waiting[0].stack[0].endswith(" in " + make.__qualname__)
    assert last.is_over
