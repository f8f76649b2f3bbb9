"""What nobody can look into, or reach any more: a closed loop, a function written in C."""

from __future__ import annotations

import asyncio

import pytest

from fluid.worker.consumers.lobby import in_its_loop
from fluid.worker.timers.fire import takes_fire


def test_nothing_is_done_about_a_future_whose_loop_is_closed() -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    loop.close()
    in_its_loop(future, future.set_result, 1)
    assert not future.done()


async def test_an_error_in_a_loop_that_is_open_is_raised() -> None:
    def broken() -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        in_its_loop(asyncio.get_running_loop().create_future(), broken)


def test_a_function_that_nobody_can_look_into_is_called_with_nothing() -> None:
    assert takes_fire(type("Opaque", (), {"__signature__": 5, "__call__": print})(), "on") is False
