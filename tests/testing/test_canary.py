"""Notices when a Python changes what the virtual loop borrows from asyncio without asking.

Everything here is private to asyncio. A failure means: read the new ``asyncio/base_events.py`` and
adapt ``fluid/testing``, before trusting any other test on that Python.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import pytest

from fluid.testing import VirtualLoop, run


@pytest.fixture
def stock() -> Iterator[Any]:
    loop = asyncio.BaseEventLoop()
    yield loop
    loop.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("_asyncgens", WeakSet),
        ("_current_handle", type(None)),
        ("_debug", bool),
        ("_ready", deque),
        ("_scheduled", list),
        ("_stopping", bool),
        ("_thread_id", type(None)),
        ("_timer_cancelled_count", int),
    ],
)
def test_a_loop_has_the_attributes_that_are_borrowed(stock: Any, name: str, kind: type):
    assert isinstance(getattr(stock, name), kind)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("_asyncgen_finalizer_hook", ["self", "agen"]),
        ("_check_closed", ["self"]),
        ("_check_thread", ["self"]),
        ("_run_once", ["self"]),
        ("_timer_handle_cancelled", ["self", "handle"]),
        ("_write_to_self", ["self"]),
    ],
)
def test_a_loop_has_the_methods_that_are_borrowed_or_replaced(name: str, parameters: list[str]):
    method = getattr(asyncio.BaseEventLoop, name)
    assert list(inspect.signature(method).parameters) == parameters


def test_a_handle_has_what_is_borrowed(stock: Any):
    seen: list[str] = []
    handle: Any = asyncio.Handle(seen.append, ("ran",), stock)
    assert (handle._cancelled, handle._callback) == (False, seen.append)
    handle._run()
    assert seen == ["ran"]


def test_a_timer_handle_knows_its_instant_and_whether_it_is_in_a_heap(stock: Any):
    timer: Any = asyncio.TimerHandle(5.0, print, (), stock)
    assert (timer._when, timer._scheduled) == (5.0, False)


def test_cancelling_a_timer_is_counted_once_and_only_while_it_is_in_a_heap(stock: Any):
    timer: Any = asyncio.TimerHandle(5.0, print, (), stock)
    timer.cancel()
    assert stock._timer_cancelled_count == 0
    timer = asyncio.TimerHandle(5.0, print, (), stock)
    timer._scheduled = True
    timer.cancel()
    timer.cancel()
    assert stock._timer_cancelled_count == 1


def test_the_loop_runs_once_until_it_is_stopping(stock: Any):
    passes: list[int] = []

    def run_once() -> None:
        passes.append(len(passes))
        stock._stopping = len(passes) == 3

    stock._run_once = run_once
    stock.run_forever()
    assert passes == [0, 1, 2]
    assert stock._stopping is False


async def test_the_steps_and_wake_ups_of_a_task_know_their_task():
    loop: Any = asyncio.get_running_loop()
    seen: list[object] = []

    async def sleeper() -> None:
        await asyncio.sleep(1)

    def look() -> None:
        seen.extend(getattr(handle._callback, "__self__", None) for handle in loop._ready)

    loop.set_task_factory(None)
    task = loop.create_task(sleeper())
    look()
    loop.call_at(1, lambda: loop.call_soon(look))
    await asyncio.sleep(0)
    await task
    assert seen.count(task) == 2


def test_nothing_but_public_names_is_overridden_except_what_is_watched_here():
    watched = {"_asyncgen_finalizer_hook", "_run_once", "_write_to_self"}
    overridden = {
        name
        for name in dir(asyncio.BaseEventLoop)
        if name.startswith("_")
        and not name.startswith("__")
        and getattr(VirtualLoop, name) is not getattr(asyncio.BaseEventLoop, name)
    }
    assert overridden == watched


def test_the_running_loop_can_be_hidden_and_shown():
    async def main() -> None:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        assert asyncio._get_running_loop() is None
        asyncio._set_running_loop(loop)
        assert asyncio.get_running_loop() is loop

    run(main)
