"""One call with a limit to its time: what becomes of its result, its errors, and its caller."""

from __future__ import annotations

import asyncio
from math import inf

import pytest

from fluid.worker.consumers.time_limit import LimitedCall, Overrun
from tests.worker.fakes import deaf_to, now
from tests.worker.group_cast import end_of


class Call:
    """A limited call: 2 seconds, and 1 from there to each further step."""

    def __init__(self, work) -> None:
        self.left: list[asyncio.Task[object]] = []
        self.call = LimitedCall(
            work,
            loop=asyncio.get_running_loop(),
            name="call",
            limit=2,
            period=1,
            on_left=lambda task, _stack: self.left.append(task),
        )


async def test_a_call_returns_what_the_function_returns_and_leaves_no_timer_behind() -> None:
    async def work() -> str:
        return "done"

    assert await Call(work).call.result() == "done"
    assert now() == 0
    loop = asyncio.get_running_loop()
    assert all(timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", [ValueError, SystemExit, KeyboardInterrupt])
async def test_a_call_raises_what_the_function_raises(wrong: type[BaseException]) -> None:
    async def work() -> None:
        await asyncio.sleep(1)
        raise wrong

    with pytest.raises(wrong):
        await Call(work).call.result()


async def test_a_cancelled_caller_waits_for_the_end_of_the_call() -> None:
    ends = []

    async def work() -> None:
        try:
            await asyncio.sleep(inf)
        finally:
            await asyncio.sleep(0.5)
            ends.append(now())

    caller = asyncio.ensure_future(Call(work).call.result())
    await asyncio.sleep(1)
    caller.cancel()
    assert isinstance(await end_of(caller), asyncio.CancelledError)
    assert ends == [1.5]


async def test_a_caller_that_is_cancelled_in_the_last_moment_gets_the_result_all_the_same() -> None:
    """The cancel comes once more at its next wait, or nobody would ever see it."""
    results: list[object] = []

    async def work() -> str:
        await asyncio.sleep(1)
        return "done"

    async def call() -> None:
        results.append(await Call(work).call.result())
        await asyncio.sleep(1)
        results.append("not cancelled")

    caller = asyncio.ensure_future(call())
    await asyncio.sleep(0.5)
    asyncio.get_running_loop().call_at(1, caller.cancel)
    assert isinstance(await end_of(caller), asyncio.CancelledError)
    assert results == ["done"]
    assert caller.cancelling() == 1
    assert now() == 1


async def test_a_call_that_ends_in_the_moment_in_which_it_would_be_left_alone_was_not() -> None:
    """Its task is done by then, but nobody has been told yet."""

    async def work() -> str:
        await asyncio.sleep(1)
        asyncio.get_running_loop().call_soon(call.call._leave)  # before those who wait for the end
        return "done"

    call = Call(work)
    assert await call.call.result() == "done"
    assert not call.left


async def test_a_call_that_is_left_alone_says_where_it_was() -> None:
    async def work() -> None:
        await deaf_to(inf)(None)  # type: ignore[arg-type]

    call = Call(work)
    with pytest.raises(Overrun) as caught:
        await call.call.result()
    assert now() == 4
    assert caught.value.left
    assert any("work" in line for line in caught.value.stack)
    assert len(call.left) == 1
    await asyncio.sleep(4000)
