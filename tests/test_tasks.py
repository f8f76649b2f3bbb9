"""The one place where tasks are made: kept alive, observed, and asked where they wait."""

from __future__ import annotations

import asyncio
import gc

import pytest

from fluid import tasks


async def test_a_task_that_nobody_holds_is_not_collected() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.get_running_loop().create_future() if False else await asyncio.sleep(1)
        done.set()

    tasks.spawn(work(), loop=asyncio.get_running_loop(), name="work")
    gc.collect()
    await done.wait()


async def test_the_end_of_a_task_is_told_once() -> None:
    ends = []

    async def work() -> None:
        raise ValueError("no")

    task = tasks.spawn(work(), loop=asyncio.get_running_loop(), name="work", on_end=ends.append)
    await tasks.ended(task)
    await asyncio.sleep(0)
    assert ends == [task]
    assert isinstance(tasks.end_of(task), ValueError)


async def test_waiting_for_a_task_never_touches_it() -> None:
    task = tasks.spawn(asyncio.sleep(5), loop=asyncio.get_running_loop(), name="sleeper")
    waiter = asyncio.ensure_future(tasks.ended(task))
    await asyncio.sleep(1)
    waiter.cancel()
    await asyncio.wait([waiter])
    assert not task.cancelling()
    await tasks.ended(task)
    await tasks.ended(task)
    assert asyncio.get_running_loop().time() == 5


async def test_gathering_returns_what_each_raised_when_all_have_ended() -> None:
    async def raise_after(seconds: float, error: BaseException | None) -> None:
        await asyncio.sleep(seconds)
        if error is not None:
            raise error

    errors = [ValueError(), None, SystemExit(3), asyncio.CancelledError()]
    works = [raise_after(index, error) for index, error in enumerate(errors)]
    assert await tasks.gather_settled(works, name="works") == errors
    assert await tasks.gather_settled([], name="none") == []


async def test_a_cancelled_gathering_cancels_and_awaits_all() -> None:
    ended = []

    async def work(number: int) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(number)
            ended.append(number)

    gathering = asyncio.ensure_future(tasks.gather_settled([work(1), work(2)], name="works"))
    await asyncio.sleep(1)
    gathering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathering
    assert ended == [1, 2]


async def inner() -> None:
    await asyncio.sleep(10)


async def outer() -> None:
    await inner()


async def test_the_await_stack_goes_down_to_the_line_that_everything_waits_for() -> None:
    task = tasks.spawn(outer(), loop=asyncio.get_running_loop(), name="outer")
    await asyncio.sleep(1)
    functions = [line.rpartition(" in ")[2] for line in tasks.await_stack(task)]
    assert functions == ["outer", "inner", "sleep"]
    await tasks.ended(task)
    assert tasks.await_stack(None) == ()
