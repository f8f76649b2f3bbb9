"""The hooks of a ``Worker``: which of them run at each kind of end, in which order, told what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import pytest

import fluid.testing
from fluid.utils.errors import WorkerStartError
from fluid.utils.worker import Worker, WorkerState
from tests.contract.cast import (
    BoomError,
    Brief,
    Idle,
    Recorder,
    Refusing,
    end_of,
    for_ever,
    raising,
)

place: ContextVar[str] = ContextVar("place", default="nowhere")


async def ignore_the_cancel() -> None:
    try:
        await for_ever()
    except asyncio.CancelledError:
        return


async def clean_up_slowly() -> None:
    try:
        await for_ever()
    finally:
        await asyncio.sleep(0.5)


async def fail_when_cancelled() -> None:
    try:
        await for_ever()
    finally:
        raise BoomError("cannot let go")


# --- the order -----------------------------------------------------------------------------------


async def test_order_at_a_normal_end() -> None:
    worker = Recorder()
    await worker.startup()
    await worker.wait_for_shutdown()
    assert worker.journal == [
        "on_startup",
        "run",
        "on_shutdown",
        ("after_shutdown", "normal shutdown", 0),
    ]
    assert worker.worker_state is WorkerState.STOPPED


async def test_order_after_a_graceful_stop() -> None:
    worker = Recorder(run=lambda: worker.sleep(3600))
    async with worker:
        await asyncio.sleep(1)
    assert worker.journal == [
        "on_startup",
        "run",
        "on_shutdown",
        ("after_shutdown", "normal shutdown", 0),
    ]
    assert worker.worker_state is WorkerState.STOPPED


@pytest.mark.parametrize("run", [for_ever, ignore_the_cancel, clean_up_slowly])
async def test_order_after_a_forced_stop(run: Callable[[], Awaitable[None]]) -> None:
    worker = Recorder(run=run, stopping_grace_period=1)
    async with worker:
        await asyncio.sleep(1)
    assert worker.journal == [
        "on_startup",
        "run",
        "on_shutdown",
        ("after_shutdown", "forced shutdown", 1),
    ]
    assert worker.worker_state is WorkerState.FORCE_STOPPED


@pytest.mark.parametrize("text", ["boom", "", "two\nlines"])
async def test_order_after_a_failure(text: str) -> None:
    worker = Recorder(run=raising(BoomError(text)))
    await worker.startup()
    assert isinstance(await end_of(worker), BoomError)
    assert worker.journal == ["on_startup", "run", "on_shutdown", ("after_shutdown", text, 2)]
    assert worker.worker_state is WorkerState.FAILED


async def test_failure_under_a_forced_stop_is_a_failure() -> None:
    worker = Recorder(run=fail_when_cancelled, stopping_grace_period=1)
    with pytest.raises(BoomError):
        async with worker:
            await asyncio.sleep(1)
    assert worker.journal[-1] == ("after_shutdown", "cannot let go", 2)


async def test_order_after_run_has_cancelled_itself() -> None:
    worker = Recorder(run=raising(asyncio.CancelledError()))
    await worker.startup()
    assert isinstance(await end_of(worker), asyncio.CancelledError)
    assert worker.journal == [
        "on_startup",
        "run",
        "on_shutdown",
        ("after_shutdown", "cancelled", 2),
    ]


async def test_failed_on_startup_is_followed_by_neither_run_nor_on_shutdown() -> None:
    worker = Recorder(on_startup=raising(BoomError("no disk")))
    with pytest.raises(BoomError):
        await worker.startup()
    assert worker.journal == ["on_startup", ("after_shutdown", "no disk", 2)]


async def test_stop_during_on_startup_is_followed_by_neither_run_nor_on_shutdown() -> None:
    worker = Recorder(on_startup=for_ever)
    asyncio.get_running_loop().call_later(1, worker.gracefully_stop)
    with pytest.raises(WorkerStartError):
        await worker.startup()
    assert worker.journal == ["on_startup", ("after_shutdown", "stopped during start-up", 0)]
    assert worker.worker_state is WorkerState.STOPPED


async def test_error_in_on_shutdown_turns_a_clean_end_into_a_failure() -> None:
    error = BoomError("cannot close")
    worker = Recorder(on_shutdown=raising(error))
    await worker.startup()
    assert await end_of(worker) is error
    assert worker.journal[-1] == ("after_shutdown", "cannot close", 2)


async def test_error_in_on_shutdown_after_a_failure_stays_in_the_second_row() -> None:
    first, second = BoomError("first"), BoomError("second")
    worker = Recorder(run=raising(first), on_shutdown=raising(second))
    await worker.startup()
    assert await end_of(worker) is first
    assert worker.journal[-1] == ("after_shutdown", "first", 2)
    assert worker.worker_exit is not None
    assert worker.worker_exit.errors == (second,)


async def test_on_shutdown_waits_for_the_task_of_a_worker_that_was_abandoned() -> None:
    class Recording(Refusing):
        journal: list[object]

        async def on_shutdown(self) -> None:
            self.journal.append("on_shutdown")

        def after_shutdown(self, reason: str, code: int) -> None:
            self.journal.append((reason, code))

    worker = Recording(stopping_grace_period=1)
    worker.journal = []
    async with worker:
        await asyncio.sleep(1)
    assert worker.worker_state is WorkerState.FORCE_STOPPED
    assert worker.journal == [("forced shutdown", 1)]
    worker.released.set()
    await asyncio.sleep(1)
    assert worker.journal == [("forced shutdown", 1), "on_shutdown"]
    assert worker.worker_state is WorkerState.FORCE_STOPPED


async def test_stop_that_comes_before_run_has_begun_is_not_lost() -> None:
    worker = Recorder(run=lambda: worker.sleep(3600))
    await worker.startup()
    await worker.shutdown()
    assert asyncio.get_running_loop().time() <= 0.011
    assert worker.journal[0] == "on_startup"
    assert worker.journal[-2:] == ["on_shutdown", ("after_shutdown", "normal shutdown", 0)]


@pytest.mark.parametrize("asked", [False, True])
async def test_each_hook_finds_the_state_that_the_life_is_in(asked: bool) -> None:
    seen: list[tuple[str, bool, bool]] = []

    async def look() -> None:
        seen.append((worker.worker_state.value, worker.has_started(), worker.is_running()))

    async def look_twice() -> None:
        await look()
        if asked:
            worker.gracefully_stop()
            await look()

    worker = Recorder(on_startup=look, run=look_twice, on_shutdown=look)
    await worker.startup()
    await worker.wait_for_shutdown()
    assert seen == [
        ("running", True, True),
        ("running", True, True),
        *([("stopping", True, False)] if asked else []),
        ("stopping", True, False),
    ]


# --- where they run ------------------------------------------------------------------------------


async def test_hooks_run_in_one_task_and_one_context() -> None:
    tasks = set()

    async def set_place() -> None:
        tasks.add(asyncio.current_task())
        place.set("inside")

    async def look() -> None:
        tasks.add(asyncio.current_task())
        assert place.get() == "inside"

    worker = Recorder(on_startup=set_place, run=look, on_shutdown=look)
    await worker.startup()
    await worker.wait_for_shutdown()
    assert len(tasks) == 1
    assert place.get() == "nowhere"


async def test_time_limit_may_be_opened_in_one_hook_and_closed_in_another() -> None:
    class Limited(Worker):
        async def on_startup(self) -> None:
            self.limit = asyncio.timeout(60)
            await self.limit.__aenter__()

        async def run(self) -> None:
            await asyncio.sleep(1)

        async def on_shutdown(self) -> None:
            await self.limit.__aexit__(None, None, None)

    async with Limited() as worker:
        await worker.wait_for_shutdown()
    assert worker.worker_state is WorkerState.STOPPED


async def test_on_shutdown_may_wait_after_a_forced_stop_without_being_cancelled_again() -> None:
    done = []

    async def tidy() -> None:
        await asyncio.sleep(2)
        done.append(asyncio.current_task())

    worker = Recorder(run=for_ever, on_shutdown=tidy, stopping_grace_period=0)
    async with worker:
        await asyncio.sleep(1)
    assert len(done) == 1
    assert done[0] is not None
    assert done[0].cancelling() == 0


# --- after_shutdown ------------------------------------------------------------------------------


async def test_after_shutdown_finds_the_worker_in_its_final_state() -> None:
    class Witness(Brief):
        def after_shutdown(self, reason: str, code: int) -> None:
            assert self.worker_exit is not None
            self.seen = self.worker_state, self.is_stopped(), self.worker_exit.code, code

    worker = Witness()
    await worker.startup()
    await worker.wait_for_shutdown()
    assert worker.seen == (WorkerState.STOPPED, True, 0, 0)


@pytest.mark.parametrize(
    "error", [BoomError("late"), KeyboardInterrupt(), asyncio.CancelledError()]
)
async def test_error_in_after_shutdown_is_logged_and_changes_nothing(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy(Idle):
        def after_shutdown(self, reason: str, code: int) -> None:
            raise error

    async with Clumsy(name="clumsy") as worker:
        pass
    assert worker.worker_state is WorkerState.STOPPED
    lines = [record for record in caplog.records if "after_shutdown" in record.getMessage()]
    assert [record.levelname for record in lines] == ["ERROR"]


def test_system_exit_from_after_shutdown_ends_the_process() -> None:
    class Last(Brief):
        def after_shutdown(self, reason: str, code: int) -> None:
            raise SystemExit(40 + code)

    async def main() -> None:
        async with Last():
            await asyncio.sleep(1)

    with pytest.raises(SystemExit) as caught:
        fluid.testing.run(main)
    assert caught.value.code == 40


async def test_hook_of_a_base_class_can_be_called_with_super() -> None:
    class Base(Recorder):
        async def on_startup(self) -> None:
            await super().on_startup()

        async def on_shutdown(self) -> None:
            await super().on_shutdown()

        def after_shutdown(self, reason: str, code: int) -> None:
            super().after_shutdown(reason, code)
            Worker.after_shutdown(self, reason, code)

    worker = Base()
    await worker.startup()
    await worker.wait_for_shutdown()
    assert worker.journal == [
        "on_startup",
        "run",
        "on_shutdown",
        ("after_shutdown", "normal shutdown", 0),
    ]
