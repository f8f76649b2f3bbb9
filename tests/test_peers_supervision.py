"""What goes wrong in other systems that restart things, and must not here: one test a rule.

The rows are those of the comparison table; each was reproduced on the system that it names. Rows 9
and 17 are about processes: the second and the third signal, and a main job that fails, are in
``tests/runtime``; here is what a supervisor adds.
"""

from __future__ import annotations

import asyncio
import logging
from math import inf

import pytest

from fluid import Backoff, Supervisor, SupervisorGaveUp, Worker, WorkerFunction, WorkerState
from fluid.events import RestartScheduled, WorkerEvent, WorkerReady
from fluid.runtime.exit_codes import Facts, exit_code
from tests.contract.cast import BoomError, Idle, Recorder, Refusing, end_of, for_ever, raising
from tests.scenarios.cast import Breakable
from tests.scenarios.supervised_cast import Maker, makers, supervisor_of


def loop_time() -> float:
    return asyncio.get_running_loop().time()


async def test_the_first_crash_with_default_limits_restarts_everybody_and_ends_nothing() -> None:
    """Row 1: with three children, the first crash killed the supervisor."""
    children = makers("abc")
    async with Supervisor(*children, strategy="one_for_all", name="app") as app:
        children[1].now.break_()
        await asyncio.sleep(1)
        assert [len(child.made) for child in children] == [2, 2, 2]
        assert app.count_children().active == 3
        assert app.is_ready()


async def test_a_limit_of_three_a_minute_allows_three_a_minute() -> None:
    """Row 2: there were 61 restarts in 0.4 seconds."""
    starts: list[float] = []

    async def crash() -> None:
        starts.append(loop_time())
        raise BoomError("again")

    child = WorkerFunction(crash, name="child")
    app = Supervisor(child, max_restarts=3, period=60, backoff=Backoff(initial=0))
    await app.startup()
    with pytest.raises(SupervisorGaveUp):
        await app.wait_for_shutdown()
    assert len(starts) == 4
    assert loop_time() == 0


async def test_a_start_that_fails_once_in_a_restart_is_tried_again() -> None:
    """Row 3: the supervisor crashed, and the dead service said that it was running."""
    ready = 0

    class Fussy(Breakable):
        made = 0

        async def on_startup(self) -> None:
            Fussy.made += 1
            if Fussy.made == 2:
                raise BoomError("not yet")

    def hear(event: WorkerEvent) -> None:
        nonlocal ready
        ready += isinstance(event, WorkerReady) and event.path == "app/fussy"

    fussy = Maker("fussy", Fussy)
    async with supervisor_of(fussy) as app:
        app.subscribe(hear)
        fussy.now.break_()
        await asyncio.sleep(1)
        assert (Fussy.made, ready) == (3, 1)
        assert app.is_ready()
        [info] = app.children()
        assert (info.state, info.restarts) == ("running", 2)


async def test_a_job_that_has_returned_is_noticed_and_started_again() -> None:
    """Row 4: a service whose only task had returned stayed "running" for ever."""
    calls: list[float] = []

    class Brief(Worker):
        async def run(self) -> None:
            calls.append(loop_time())
            await asyncio.sleep(1)

    async with Supervisor(Brief, backoff=Backoff(jitter=0)) as app:
        await asyncio.sleep(1.25)
        [info] = app.children()
        assert (info.state, info.restart_in) == ("restarting", 0.25)
        assert not app.is_ready()
        await asyncio.sleep(1)
        assert calls == [0, 1.5]


async def test_a_child_that_is_added_starts_at_once() -> None:
    """Row 5: it was noticed by a poll, every five seconds."""
    async with supervisor_of(Idle()) as app:
        began = loop_time()
        child = await app.add_child(Idle(name="new"))
        assert child.is_running()
        assert loop_time() == began


async def test_children_get_their_time_before_anybody_is_cancelled() -> None:
    """Row 6: tasks were cancelled at once, and then waited for without a bound."""
    finished: list[str] = []

    class Careful(Worker):
        async def run(self) -> None:
            while await self.sleep(inf):
                pass
            await asyncio.sleep(3)
            finished.append(self.worker_name)

    async with supervisor_of(Careful(name="a"), Careful(name="b")):
        pass
    assert finished == ["b", "a"]


async def test_cleanup_runs_after_a_stop_that_took_too_long_and_a_second_stop_returns() -> None:
    """Row 7: ``stop()`` raised, cleanup never ran, and a second ``stop()`` did nothing."""
    worker = Recorder(run=for_ever, name="slow")
    app = supervisor_of(worker)
    await app.startup()
    await app.shutdown()
    assert loop_time() == 10
    assert worker.journal.count("on_shutdown") == 1
    await app.shutdown()
    assert app.worker_state is WorkerState.STOPPED


async def test_a_second_child_that_fails_to_start_stops_the_first() -> None:
    """Row 8: the first kept running."""
    first = Recorder(name="first")
    second = Recorder(name="second", on_startup=raising(BoomError("no database")))
    app = Supervisor(first, second)
    with pytest.raises(BoomError, match="no database"):
        await app.startup()
    assert first.is_stopped()
    assert first.journal.count("on_shutdown") == 1
    assert app.worker_state is WorkerState.FAILED


async def test_force_ends_a_supervisor_in_the_middle_of_a_slow_stop() -> None:
    """Row 9: further signals were ignored. The second one forces, which is this."""
    slow = Recorder(run=for_ever, name="slow", stopping_grace_period=3600)
    app = supervisor_of(slow)
    await app.startup()
    app.gracefully_stop()
    await asyncio.sleep(1)
    app._worker.force()
    await app.wait_for_shutdown()
    assert loop_time() == 1
    assert slow.worker_state is WorkerState.FORCE_STOPPED


async def test_a_main_job_that_gives_up_is_an_exit_code_of_its_process() -> None:
    """Row 17: the process ran on for ever, and exited with 0."""
    app = Supervisor(WorkerFunction(raising(BoomError("down")), name="main"), max_restarts=0)
    await app.startup()
    error = await end_of(app)
    assert isinstance(error, SupervisorGaveUp)
    assert exit_code(Facts(error=error)) == 1


async def test_failing_work_is_not_a_busy_loop() -> None:
    """Row 18: 18,561 iterations in 0.3 seconds."""
    calls = 0

    async def fail() -> None:
        nonlocal calls
        calls += 1
        raise BoomError("again")

    async with Supervisor(WorkerFunction(fail, name="child"), seed=1):
        await asyncio.sleep(0.3)
        assert calls == 1
        await asyncio.sleep(1.7)
        assert calls == 3


@pytest.mark.lazy_only("the wording of the place differs")
async def test_the_log_says_who_did_not_stop_and_where_it_hangs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Row 20: a bare ``TimeoutError``, and the deaf task abandoned in silence."""
    deaf = Refusing(name="deaf")
    app = supervisor_of(Idle(), deaf)
    await app.startup()
    await app.shutdown()
    lines = [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]
    assert any("worker app/deaf refuses to end and was abandoned in run" in line for line in lines)
    deaf.released.set()
    await asyncio.sleep(0.1)


async def test_waits_grow_and_the_limit_is_a_window_and_not_a_quota_for_life() -> None:
    """Row 21: a poll's cadence, and a quota of restarts for the whole life."""
    waits: list[float] = []

    def hear(event: WorkerEvent) -> None:
        if isinstance(event, RestartScheduled):
            waits.append(event.delay)

    child = Maker("child")
    policies = {"max_restarts": 5, "period": 60, "backoff": Backoff(jitter=0)}
    async with Supervisor(child, name="app", **policies) as app:
        app.subscribe(hear)
        await asyncio.sleep(1)
        for _ in range(4):
            child.now.break_()
            await asyncio.sleep(0.1)
            await asyncio.sleep(waits[-1] + 0.5)
        for _ in range(20):  # ten times as many as the limit, but two minutes apart
            await asyncio.sleep(120)
            child.now.break_()
            await asyncio.sleep(1)
        assert app.is_running()
    assert waits[:4] == [0.5, 1, 2, 4]
    assert set(waits[4:]) == {0.5}
