"""Children that have to report progress: ``beat()`` in time, or they have failed."""

from __future__ import annotations

import asyncio
import logging
import threading
from math import inf

import pytest

from fluid import ChildSpec, DynamicSupervisor, HeartbeatLostError, Worker, WorkerState
from fluid.events import HeartbeatLost, WorkerEvent
from tests.scenarios.supervised_cast import AT_ONCE, Lives, Maker, supervisor_of
from tests.worker.fakes import Recorded


class Beating(Recorded):
    """Beats every so many seconds for some time; then it hangs."""

    def __init__(self, *, every: float = 1, times: float = inf, **options) -> None:
        super().__init__(**options)
        self.every, self.times = every, times

    async def run(self) -> None:
        self.diary.append("run")
        while self.times > 0:
            self.times -= 1
            self.beat()
            if not await self.sleep(self.every):
                return
        await asyncio.Event().wait()


def watched(maker: Maker | Worker, timeout: float = 5, **options) -> ChildSpec:
    return ChildSpec(maker, heartbeat_timeout=timeout, **options)


async def test_a_child_that_beats_in_time_is_left_alone() -> None:
    child = Maker("child", Beating, every=4.9)
    async with supervisor_of(watched(child)):
        await asyncio.sleep(1000)
    assert len(child.made) == 1


async def test_a_child_that_stops_beating_has_failed_and_is_restarted() -> None:
    """H06"""
    child = Maker("child", Beating, times=3)
    app = supervisor_of(watched(child))
    lives = Lives(app)
    async with app:
        await asyncio.sleep(6.9)
        assert len(child.made) == 1
        await asyncio.sleep(0.2)  # the last beat was at 2 seconds
        assert len(child.made) == 2
        first = child.made[0]
        assert first.worker_state is WorkerState.FAILED
        assert isinstance(first.worker_exit.exception, HeartbeatLostError)
        assert first.diary[-2:] == ["on_shutdown", _end(first)]
        [info] = app.children()
        assert "has not called beat() for 5 seconds" in info.last_error
    lives.assert_all_is_well()


def _end(worker: Worker) -> tuple[str, int]:
    record = worker.worker_exit
    assert record is not None
    return record.reason, record.code


async def test_a_lost_heartbeat_says_where_the_child_hangs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    child = Maker("child", Beating, times=1)
    heard: list[WorkerEvent] = []
    async with supervisor_of(watched(child)) as app:
        app.subscribe(heard.append)
        await asyncio.sleep(5.5)
    [lost] = [event for event in heard if isinstance(event, HeartbeatLost)]
    assert (lost.path, lost.at, lost.timeout) == ("app/child", 5, 5)
    error = child.made[0].worker_exit.exception
    assert error.stack == lost.stack
    assert any("in Beating.run" in place for place in lost.stack)
    [line] = [each.getMessage() for each in caplog.records if "beat()" in each.getMessage()][:1]
    assert line.startswith("worker app/child has not called beat() for 5 seconds and was cancelled")
    assert {each.levelno for each in caplog.records} >= {logging.ERROR}


async def test_a_lost_heartbeat_counts_and_ends_in_giving_up() -> None:
    child = Maker("child", Beating, times=0)
    app = supervisor_of(watched(child), max_restarts=2, period=60)
    await app.startup()
    await asyncio.sleep(16)
    assert len(child.made) == 3
    error = app.worker_exit.exception
    assert isinstance(error.__cause__, HeartbeatLostError)


async def test_a_child_that_ignores_the_cancel_of_a_lost_heartbeat_is_given_up_on() -> None:
    class Stuck(Recorded):
        async def run(self) -> None:
            self.released = asyncio.Event()
            while not self.released.is_set():
                try:
                    await self.released.wait()
                except asyncio.CancelledError:
                    continue

    stuck = Maker("stuck", Stuck)
    app = supervisor_of(watched(stuck))
    await app.startup()
    await asyncio.sleep(8)
    assert app.is_stopped()
    assert len(stuck.made) == 1
    assert stuck.now.worker_exit.abandoned
    assert isinstance(stuck.now.worker_exit.exception, HeartbeatLostError)
    assert "was abandoned, and may not run twice" in str(app.worker_exit.exception)
    stuck.now.released.set()
    await asyncio.sleep(1)


async def test_watching_begins_when_the_child_is_ready_and_ends_with_a_request_to_stop() -> None:
    class Slow(Beating):
        async def on_startup(self) -> None:
            await asyncio.sleep(60)

        async def run(self) -> None:
            while await self.sleep(4):
                self.beat()
            await asyncio.sleep(9)

    slow = Maker("slow", Slow)
    async with supervisor_of(watched(slow)):
        await asyncio.sleep(30)
    assert len(slow.made) == 1
    assert slow.now.worker_state is WorkerState.STOPPED


async def test_time_in_which_the_loop_was_blocked_does_not_count() -> None:
    child = Maker("child", Beating, every=1)
    async with supervisor_of(watched(child)):
        await asyncio.sleep(2.5)
        loop = asyncio.get_running_loop()
        loop._now_ns += 3600 * 10**9  # type: ignore[attr-defined]
        await asyncio.sleep(100)
    assert len(child.made) == 1


async def test_beats_come_from_threads_too_and_cost_nothing_where_nobody_watches() -> None:
    child = Maker("child", Beating, times=0)
    async with supervisor_of(watched(child), Beating(name="unwatched")):
        for _ in range(10):
            await asyncio.sleep(4)
            thread = threading.Thread(target=child.now.beat)
            thread.start()
            thread.join()
        assert len(child.made) == 1
        Beating(name="never started").beat()
    child.now.beat()


async def test_children_of_a_dynamic_supervisor_can_be_watched() -> None:
    app = DynamicSupervisor(
        Beating, restart="transient", heartbeat_timeout=5, backoff=AT_ONCE, max_restarts=100
    )
    async with app:
        await app.start_child(times=0)
        await app.start_child()
        await asyncio.sleep(23)
        assert sorted(info.restarts for info in app.children()) == [0, 4]


async def test_an_error_in_answer_to_the_cancel_stands_beside_the_lost_heartbeat() -> None:
    class Bitter(Recorded):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ZeroDivisionError from None

    bitter = Maker("bitter", Bitter)
    app = supervisor_of(watched(bitter))
    await app.startup()
    await asyncio.sleep(6)
    with pytest.raises(ZeroDivisionError):  # it answers our stop alike
        await app.shutdown()
    record = bitter.made[0].worker_exit
    assert isinstance(record.exception, HeartbeatLostError)
    assert [type(error) for error in record.errors] == [ZeroDivisionError]


async def test_nobody_watches_a_child_that_had_ended_before_its_own_startup_did() -> None:
    class Brief(Recorded):
        async def startup(self) -> None:
            await super().startup()
            await asyncio.sleep(1)

        async def run(self) -> None:
            self.diary.append("run")

        async def on_shutdown(self) -> None:
            await asyncio.sleep(2)

    brief = Maker("brief", Brief)
    async with supervisor_of(watched(brief, restart="transient")) as app:
        await asyncio.sleep(20)
        assert len(brief.made) == 1
        assert app.children()[0].last_error is None
