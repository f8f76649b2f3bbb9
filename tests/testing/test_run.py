"""What a run is held to when ``main`` has ended."""

from __future__ import annotations

import asyncio
import doctest
import gc
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any, Literal

import pytest

import fluid.testing
from fluid.errors import FluidError, FluidValueError
from fluid.testing import (
    DeadlockError,
    LeakError,
    PendingTask,
    UnhandledError,
    VirtualLoop,
    VirtualLoopError,
    pending_tasks,
    run,
)


async def answer() -> int:
    await asyncio.sleep(3600)
    return 42


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise ValueError("lost")


async def stubborn() -> None:
    while True:
        with suppress(asyncio.CancelledError):
            await for_ever()


@pytest.fixture
def kept() -> list[asyncio.Task[Any]]:
    """Keeps the tasks that a test leaves behind, since the loop refers to them only weakly."""
    return []


def notes_of(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", []))


# What is run


def test_run_takes_an_async_function_or_a_coroutine():
    assert run(answer) == 42
    assert run(answer()) == 42


@pytest.mark.parametrize("main", [42, lambda: 42])
def test_run_refuses_what_is_not_async(main: Any):
    with pytest.raises(FluidValueError, match="has to become an `async def`"):
        run(main)


def test_run_refuses_to_start_inside_a_running_loop():
    async def main() -> None:
        with pytest.raises(FluidError, match="await the coroutine instead"):
            run(answer)

    run(main)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.12 has eager tasks")
def test_run_refuses_eager_tasks_where_python_has_none():
    with pytest.raises(FluidValueError, match=r"needs Python 3\.12"):
        run(answer, eager=True)


def test_each_run_has_a_loop_of_its_own_and_closes_it():
    async def main() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    first, second = run(main), run(main)
    assert first is not second
    assert first.is_closed()
    assert second.is_closed()


@pytest.mark.parametrize("debug", [False, True])
def test_debug_is_asyncios_debug_mode(debug: bool):
    async def main() -> bool:
        await asyncio.sleep(1)
        return asyncio.get_running_loop().get_debug()

    assert run(main, debug=debug) is debug


def test_the_loop_also_works_under_a_plain_runner():
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(answer()) == 42
        assert runner.run(answer()) == 42
        assert runner.get_loop().time() == 7200.0


async def test_asyncios_own_tools_work_together_on_virtual_time():
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=1)
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def produce() -> None:
        await started.wait()
        for number in range(5):
            await asyncio.sleep(60)
            await queue.put(await asyncio.to_thread(pow, number, 2))

    async def consume() -> list[int]:
        started.set()
        return [await queue.get() for _ in range(5)]

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        squares = group.create_task(consume())
    assert squares.result() == [0, 1, 4, 9, 16]
    assert loop.time() == 300.0

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await queue.get()
    assert await asyncio.wait_for(asyncio.sleep(9, "in time"), 10) == "in time"
    assert loop.time() == 339.0


def test_two_runs_of_one_program_are_the_same():
    async def main() -> list[str]:
        log: list[str] = []

        async def walk(steps: int) -> None:
            task = asyncio.current_task()
            assert task is not None
            for step in range(steps):
                await asyncio.sleep(1 / steps)
                log.append(f"{asyncio.get_running_loop().time()} {task.get_name()} {step}")

        await asyncio.gather(*(walk(steps) for steps in range(1, 20)))
        return log

    assert run(main) == run(main)


# What main leaves behind


async def test_no_task_is_pending_but_the_one_that_asks():
    loop = asyncio.get_running_loop()
    assert pending_tasks(loop) == ()
    other = asyncio.create_task(for_ever(), name="other")
    await asyncio.sleep(0)
    (pending,) = pending_tasks(loop)
    assert isinstance(pending, PendingTask)
    assert pending.name == "other"
    assert "in for_ever" in pending.stack[0]
    other.cancel()
    await asyncio.wait([other])


def test_tasks_left_behind_are_named_with_the_lines_where_they_await(kept: list[asyncio.Task[Any]]):
    async def main() -> None:
        kept.append(asyncio.create_task(for_ever(), name="forgotten"))
        kept.append(asyncio.create_task(answer()))
        await asyncio.sleep(0)

    with pytest.raises(LeakError, match="forgotten waits at") as caught:
        run(main)
    assert [task.name for task in caught.value.tasks] == ["forgotten", "task-3"]
    assert "in answer" in caught.value.tasks[1].stack[0]
    assert caught.value.timers == ()
    assert all(task.cancelled() for task in kept)


def test_a_task_that_was_cancelled_but_is_not_done_yet_is_left_behind():
    async def cleaning() -> None:
        try:
            await for_ever()
        finally:
            await asyncio.sleep(0)

    async def main() -> None:
        task = asyncio.create_task(cleaning())
        await asyncio.sleep(0)
        task.cancel()

    with pytest.raises(LeakError):
        run(main)


def test_a_timer_left_behind_is_named_with_its_instant():
    async def main() -> None:
        asyncio.get_running_loop().call_later(30, partial(print, end=""), "tick")

    with pytest.raises(LeakError, match=r"timer print, due at 30\.0 seconds"):
        run(main)


def test_an_async_generator_left_open_is_named_with_its_line():
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        async for _ in numbers():
            break

    with pytest.raises(LeakError, match=r"async generator \S*numbers is open at \S*test_run\.py"):
        run(main)


def test_leaks_can_be_ignored_and_are_ended_all_the_same(kept: list[asyncio.Task[Any]]):
    async def main() -> str:
        kept.append(asyncio.create_task(for_ever()))
        asyncio.get_running_loop().call_later(30, print)
        return "done"

    assert run(main, leaks="ignore") == "done"
    assert kept[0].cancelled()


def test_cleanup_of_what_is_left_behind_runs_on_virtual_time(kept: list[asyncio.Task[Any]]):
    ended_at: list[float] = []

    async def cleaning() -> None:
        try:
            await for_ever()
        finally:
            await asyncio.sleep(5)
            ended_at.append(asyncio.get_running_loop().time())

    async def main() -> None:
        kept.append(asyncio.create_task(cleaning()))
        await asyncio.sleep(1)

    run(main, leaks="ignore")
    assert ended_at == [6.0]


@pytest.mark.parametrize("leaks", ["error", "ignore"])
def test_a_task_that_refuses_to_end_is_reported_and_does_not_hang_the_run(
    leaks: Literal["error", "ignore"],
    kept: list[asyncio.Task[Any]],
    caplog: pytest.LogCaptureFixture,
):
    async def main() -> None:
        kept.append(asyncio.create_task(stubborn(), name="stubborn"))
        await asyncio.sleep(1)

    with pytest.raises(VirtualLoopError, match="stubborn waits at") as caught:
        run(main, leaks=leaks)
    both = f"{caught.value}\n{notes_of(caught.value)}"
    assert "deadlock at 1.0 seconds" in both
    kept.clear()
    gc.collect()
    assert caplog.records == []


def test_a_task_that_exits_when_it_is_cancelled_at_the_end_does_not_replace_mains_error(
    kept: list[asyncio.Task[Any]],
):
    async def exiting() -> None:
        try:
            await for_ever()
        finally:
            raise SystemExit(3)

    async def main() -> None:
        kept.append(asyncio.create_task(exiting()))
        await asyncio.sleep(1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run(main)


def test_what_a_task_raises_when_it_is_cancelled_at_the_end_is_not_lost(
    kept: list[asyncio.Task[Any]],
):
    async def raising() -> None:
        try:
            await for_ever()
        finally:
            raise ValueError("in cleanup")

    async def main() -> None:
        kept.append(asyncio.create_task(raising()))
        await asyncio.sleep(1)

    with pytest.raises(UnhandledError, match="in cleanup") as caught:
        run(main)
    assert "left alive" in notes_of(caught.value)


# What nobody handled


def test_the_exception_of_a_task_that_nobody_awaited_fails_the_run():
    async def main() -> None:
        asyncio.create_task(fail(), name="careless")  # noqa: RUF006
        await asyncio.sleep(1)

    with pytest.raises(UnhandledError, match=r"careless\): ValueError\('lost'\)") as caught:
        run(main)
    assert isinstance(caught.value.__cause__, ValueError)


def test_several_unhandled_exceptions_are_all_there_as_one_group():
    async def main() -> None:
        for _ in range(2):
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    with pytest.raises(UnhandledError) as caught:
        run(main)
    assert isinstance(caught.value.__cause__, BaseExceptionGroup)
    assert len(caught.value.__cause__.exceptions) == len(caught.value.unhandled) == 2


def test_an_exception_lost_in_a_reference_cycle_surfaces_in_the_run_that_lost_it():
    async def main() -> None:
        task = asyncio.create_task(fail())
        task.add_done_callback(lambda _: None)
        cycle: list[Any] = [task]
        cycle.append(cycle)
        await asyncio.sleep(1)

    gc.disable()
    try:
        with pytest.raises(UnhandledError, match="lost"):
            run(main)
    finally:
        gc.enable()


def test_what_was_lost_before_a_run_is_not_collected_by_it(monkeypatch: pytest.MonkeyPatch):
    class Older:
        pass

    monkeypatch.setattr(sys.modules["fluid.testing.run"], "_blocks", 0)  # but for the session's
    gc.disable()
    try:
        older: Any = Older()
        older.cycle = older
        alive = weakref.ref(older)
        del older
        run(answer)
        assert alive() is not None
        gc.collect()
        assert alive() is None
    finally:
        gc.enable()
        gc.freeze()


def test_a_task_destroyed_while_pending_fails_the_run():
    async def main() -> None:
        async def orphan() -> None:
            await asyncio.get_running_loop().create_future()

        asyncio.create_task(orphan())  # noqa: RUF006
        await asyncio.sleep(1)
        gc.collect()

    with pytest.raises(UnhandledError, match="destroyed but it is pending"):
        run(main)


def test_unhandled_exceptions_are_logged_as_on_every_loop(caplog: pytest.LogCaptureFixture):
    async def main() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "look at me"})

    with pytest.raises(UnhandledError):
        run(main)
    assert [record.message for record in caplog.records] == ["look at me"]


# Which error wins


def test_mains_own_exception_wins_and_carries_the_rest_as_notes(kept: list[asyncio.Task[Any]]):
    async def main() -> None:
        kept.append(asyncio.create_task(for_ever(), name="forgotten"))
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        run(main)
    assert "ZeroDivisionError" in notes_of(caught.value)
    assert "forgotten waits at" in notes_of(caught.value)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_mains_own_exception_wins_whatever_it_is(error: BaseException):
    async def main() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run(main)
    assert caught.value is error


def test_a_deadlock_carries_the_error_that_probably_led_to_it():
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await for_ever()

    with pytest.raises(DeadlockError) as caught:
        run(main)
    assert "ZeroDivisionError" in notes_of(caught.value)
    assert "left alive" not in notes_of(caught.value)


def test_every_verdict_is_a_fluid_error():
    verdicts = [getattr(fluid.testing, name) for name in fluid.testing.__all__ if "Error" in name]
    assert verdicts
    assert all(issubclass(verdict, FluidError) for verdict in verdicts)


def test_the_program_in_the_docstring_runs():
    assert doctest.testmod(fluid.testing).attempted == 4
    assert doctest.testmod(fluid.testing).failed == 0
