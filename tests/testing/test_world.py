"""What the virtual loop does at its edges: threads, executors, signals, names, lost exceptions."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fluid.testing import EscapedError, UnhandledError, VirtualLoop, run
from fluid.testing.refused import REFUSED

colour = contextvars.ContextVar("colour", default="none")


def virtual_loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def in_thread(function: Any) -> list[BaseException]:
    """Runs ``function`` in a real thread to its end, and returns what it raised."""
    raised: list[BaseException] = []

    def call() -> None:
        try:
            function()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=call, name="foreign")
    thread.start()
    thread.join()
    return raised


# Real I/O


@pytest.mark.parametrize("name", REFUSED)
async def test_real_io_is_refused_by_name(name: str):
    with pytest.raises(EscapedError, match=rf"loop\.{name}\(\) would leave the virtual loop"):
        getattr(virtual_loop(), name)(None, key=None)


async def test_streams_sockets_and_subprocesses_are_refused_through_asyncios_own_functions():
    with pytest.raises(EscapedError, match="create_connection"):
        await asyncio.open_connection("localhost", 80)
    with pytest.raises(EscapedError, match="create_server"):
        await asyncio.start_server(lambda reader, writer: None)
    with pytest.raises(EscapedError, match="subprocess_exec"):
        await asyncio.create_subprocess_exec("true")
    with socket.socket() as sock, pytest.raises(EscapedError, match="sock_connect"):
        await virtual_loop().sock_connect(sock, ("localhost", 80))


def test_every_method_of_a_loop_is_either_refused_or_built():
    missing = [
        name
        for name, method in inspect.getmembers(asyncio.AbstractEventLoop, inspect.isfunction)
        if not name.startswith("_") and getattr(VirtualLoop, name) is method
    ]
    assert missing == []


# Threads


async def test_call_soon_threadsafe_on_the_own_thread_is_call_soon():
    seen: list[str] = []
    asyncio.get_running_loop().call_soon(seen.append, "first")
    asyncio.get_running_loop().call_soon_threadsafe(seen.append, "second")
    asyncio.get_running_loop().call_soon(seen.append, "third")
    await asyncio.sleep(0)
    assert seen == ["first", "second", "third"]


async def test_a_coroutine_can_be_submitted_from_the_own_thread():
    result = asyncio.run_coroutine_threadsafe(asyncio.sleep(1, "done"), virtual_loop())
    await asyncio.sleep(2)
    assert result.result() == "done"


def test_a_foreign_thread_is_refused_by_name_and_the_run_reports_it():
    raised: list[BaseException] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        event = asyncio.Event()
        raised.extend(in_thread(lambda: loop.call_soon_threadsafe(event.set)))

    with pytest.raises(UnhandledError) as caught:
        run(main)
    assert caught.value.__cause__ is raised[0]
    assert "thread 'foreign' called loop.call_soon_threadsafe(Event.set)" in str(raised[0])


def test_a_foreign_thread_that_comes_after_the_end_is_told_that_the_loop_is_closed():
    async def main() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    loop = run(main)
    (error,) = in_thread(lambda: loop.call_soon_threadsafe(print))
    assert isinstance(error, RuntimeError)
    assert "closed" in str(error)


# Executors


async def test_a_function_in_the_executor_runs_in_a_later_callback():
    seen: list[str] = []
    job = asyncio.get_running_loop().run_in_executor(None, seen.append, "ran")
    assert seen == []
    await job
    assert seen == ["ran"]


async def test_to_thread_returns_what_the_function_returns_and_raises_what_it_raises():
    assert await asyncio.to_thread(pow, 2, exp=10) == 1024
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(lambda: 1 / 0)


async def test_a_function_in_the_executor_finds_no_running_loop_as_in_a_thread():
    with pytest.raises(RuntimeError, match="no running event loop"):
        await asyncio.to_thread(asyncio.get_running_loop)
    assert asyncio.get_running_loop() is virtual_loop()


async def test_a_function_in_the_executor_finds_the_context_that_a_thread_would():
    """X07"""
    colour.set("red")
    assert await asyncio.get_running_loop().run_in_executor(None, colour.get) == "none"
    assert await asyncio.to_thread(colour.get) == "red"


async def test_a_function_in_the_executor_can_wake_the_loop():
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    await asyncio.to_thread(loop.call_soon_threadsafe, event.set)
    await event.wait()


async def test_a_cancelled_waiter_does_not_keep_the_function_from_running():
    """X09"""
    seen: list[str] = []
    job = asyncio.get_running_loop().run_in_executor(None, seen.append, "ran")
    job.cancel()
    await asyncio.sleep(0)
    assert seen == ["ran"]


# Signals


async def test_a_raised_signal_runs_its_handler_in_a_later_callback():
    seen: list[str] = []
    loop = virtual_loop()
    loop.add_signal_handler(signal.SIGTERM, seen.append, "term")
    loop.raise_signal(signal.SIGTERM)
    loop.raise_signal(signal.SIGTERM)
    assert seen == []
    await asyncio.sleep(0)
    assert seen == ["term", "term"]


async def test_the_process_does_not_notice_the_handlers_of_a_virtual_loop():
    before = signal.getsignal(signal.SIGTERM)
    virtual_loop().add_signal_handler(signal.SIGTERM, print)
    assert signal.getsignal(signal.SIGTERM) is before


async def test_a_removed_handler_is_gone():
    loop = virtual_loop()
    loop.add_signal_handler(signal.SIGTERM, print)
    assert loop.remove_signal_handler(signal.SIGTERM)
    assert not loop.remove_signal_handler(signal.SIGTERM)
    with pytest.raises(EscapedError, match="SIGTERM has no handler on this loop"):
        loop.raise_signal(signal.SIGTERM)


# Names of tasks


async def test_tasks_are_numbered_per_loop():
    tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(2)]
    current = asyncio.current_task()
    assert current is not None
    assert [task.get_name() for task in (current, *tasks)] == ["main", "task-2", "task-3"]
    await asyncio.gather(*tasks)


async def test_a_task_with_a_name_counts_too():
    named = asyncio.create_task(asyncio.sleep(0), name="named")
    async with asyncio.TaskGroup() as group:
        next_one = group.create_task(asyncio.sleep(0))
    assert (named.get_name(), next_one.get_name()) == ("named", "task-3")


async def test_a_task_knows_its_name_and_its_context_from_its_first_step():
    context = contextvars.copy_context()
    context.run(colour.set, "red")

    async def look() -> tuple[str, str]:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name(), colour.get()

    loop: Any = asyncio.get_running_loop()
    assert await loop.create_task(look(), name="named") == ("named", "none")
    assert await loop.create_task(look(), name=7, context=context) == ("7", "red")
    assert await loop.create_task(look()) == ("task-4", "none")


@pytest.mark.parametrize("name", [None, "named"])
async def test_a_task_factory_that_knows_nothing_of_names_is_served(name: str | None):
    made: list[Any] = []

    def factory(loop: Any, coro: Any, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, context=context)
        made.append(task)
        return task

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    context = contextvars.copy_context()
    context.run(colour.set, "red")
    task = loop.create_task(asyncio.to_thread(colour.get), name=name, context=context)
    assert made == [task]
    assert task.get_name() == (name or "task-2")
    assert await task == "red"
    assert await loop.create_task(asyncio.to_thread(colour.get)) == "none"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs Python 3.12")
def test_an_eager_task_can_end_inside_create_task():
    async def main() -> bool:
        async def nothing() -> None:
            pass

        return asyncio.create_task(nothing()).done()

    assert run(main, eager=True)
    assert not run(main, eager=False)


# What nobody else took


async def test_the_error_of_a_callback_is_kept_and_the_loop_goes_on():
    loop = virtual_loop()
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(1)
    (entry,) = loop.unhandled
    assert isinstance(entry.exception, ZeroDivisionError)
    loop.unhandled.clear()


async def test_the_error_of_a_task_that_nobody_awaits_is_kept_with_its_name():
    async def fail() -> None:
        raise ValueError("lost")

    task = asyncio.get_running_loop().create_task(fail(), name="careless")
    await asyncio.sleep(0)
    del task
    (entry,) = virtual_loop().unhandled
    assert str(entry) == "Task exception was never retrieved (careless): ValueError('lost')"
    virtual_loop().unhandled.clear()


async def test_an_exception_handler_of_the_user_keeps_what_it_takes():
    loop, seen = virtual_loop(), []
    loop.set_exception_handler(lambda loop, context: seen.append(context["message"]))
    loop.call_exception_handler({"message": "mine"})
    assert (seen, loop.unhandled) == (["mine"], [])


async def numbers() -> AsyncIterator[int]:
    for number in range(3):
        yield number


async def test_an_async_generator_is_open_until_it_ends_or_is_closed():
    ended, closed, begun, untouched = numbers(), numbers(), numbers(), numbers()
    async for _ in ended:
        pass
    for generator in (closed, begun):
        await anext(generator)
    await closed.aclose()  # type: ignore[attr-defined]
    (line,) = virtual_loop().open_generators()
    assert "async generator numbers is open at" in line
    await begun.aclose()  # type: ignore[attr-defined]
    del untouched


async def test_an_async_generator_that_was_dropped_is_open_until_asyncio_has_closed_it():
    generator = numbers()
    await anext(generator)
    del generator
    assert len(virtual_loop().open_generators()) == 1
    await asyncio.sleep(1)
    assert virtual_loop().open_generators() == []


async def test_a_handler_that_was_removed_is_not_called_for_a_signal_on_its_way():
    seen: list[str] = []
    loop = virtual_loop()
    loop.add_signal_handler(signal.SIGTERM, seen.append, "term")
    loop.raise_signal(signal.SIGTERM)
    loop.remove_signal_handler(signal.SIGTERM)
    await asyncio.sleep(1)
    assert seen == []
