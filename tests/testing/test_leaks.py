"""Whatever a block leaves behind is named, kind by kind, and nothing else is."""

from __future__ import annotations

import _thread
import asyncio
import gc
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fluid.errors import FluidValueError
from fluid.testing import LeakError, VirtualLoop, run
from fluid.testing.belongings import processes
from fluid.testing.leaks import LeakKind, leaks

HAS_DESCRIPTORS = Path("/dev/fd").exists()
ON_LINUX = sys.platform == "linux"


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


async def for_ever() -> None:
    await asyncio.Event().wait()


async def stubborn(until: asyncio.Event) -> None:
    while not until.is_set():
        with suppress(asyncio.CancelledError):
            await until.wait()


async def numbers() -> AsyncIterator[int]:
    for number in range(10):
        yield number


async def end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@contextmanager
def leaving(what: str = "left alive") -> Iterator[pytest.ExceptionInfo[LeakError]]:
    """Expects the block to leave something."""
    with pytest.raises(LeakError, match=what) as caught, leaks():
        yield caught


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


# Nothing


def test_a_block_that_leaves_nothing_passes_outside_of_any_loop():
    with leaks():
        pass


async def test_a_block_that_leaves_nothing_passes_inside_of_a_loop():
    with leaks():
        await asyncio.sleep(1)
        async with asyncio.TaskGroup() as group, asyncio.timeout(10):
            group.create_task(asyncio.sleep(5))
            assert await asyncio.to_thread(pow, 2, 2) == 4
        assert [number async for number in numbers()] == list(range(10))


async def test_what_was_there_before_is_not_the_blocks():
    task = asyncio.create_task(for_ever())
    timer = asyncio.get_running_loop().call_later(60, print)
    generator = numbers()
    await anext(generator)
    with leaks():
        await asyncio.sleep(0)
        await anext(generator)
    timer.cancel()
    await generator.aclose()
    await end(task)


def test_a_whole_run_leaves_nothing():
    async def main() -> None:
        asyncio.get_running_loop().call_later(60, print).cancel()
        await asyncio.sleep(3600)

    with leaks():
        run(main)
    with leaks(), asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))


@pytest.mark.real
def test_a_whole_run_with_sockets_and_processes_leaves_nothing():
    async def main() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1")
        async with server:
            host, port = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
        assert await process.wait() == 0
        assert await asyncio.to_thread(pow, 2, 2) == 4

    with leaks(ignore=[LeakKind.GARBAGE]):
        asyncio.run(main())


# Tasks


async def test_a_task_is_named_with_the_line_where_it_awaits():
    with leaving("forgotten waits at") as caught:
        task = asyncio.create_task(for_ever(), name="forgotten")
        await asyncio.sleep(0)
    (pending,) = caught.value.tasks
    assert pending.name == "forgotten"
    assert "in for_ever" in pending.stack[0]
    await end(task)


async def test_the_timer_that_a_task_sleeps_on_is_not_told_beside_it():
    with leaving() as caught:
        task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
    assert len(caught.value.tasks) == 1
    assert caught.value.timers == ()
    await end(task)


async def test_a_task_that_a_cancel_is_on_its_way_to_is_ending():
    with leaks():
        direct = asyncio.create_task(for_ever())
        nested = asyncio.create_task(await_a_task())
        several = asyncio.create_task(gathered())
        not_begun = asyncio.create_task(for_ever())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        late = asyncio.create_task(for_ever())
        for task in (direct, nested, several, not_begun, late):
            task.cancel()
    await asyncio.wait([direct, nested, several, not_begun, late])


async def await_a_task() -> None:
    await asyncio.create_task(for_ever())


async def gathered() -> None:
    await asyncio.gather(for_ever(), for_ever())


async def test_a_task_that_heard_of_its_cancel_and_stays_is_left():
    until = asyncio.Event()
    with leaving("in stubborn"):
        task = asyncio.create_task(stubborn(until))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    until.set()
    await task


async def test_async_with_waits_ten_passes_for_a_task_that_is_ending():
    async def takes(passes: int) -> None:
        for _ in range(passes):
            await asyncio.sleep(0)

    async with leaks():
        task = asyncio.create_task(takes(8))
    assert task.done()
    with pytest.raises(LeakError, match="in .*takes"):
        async with leaks():
            task = asyncio.create_task(takes(12))
    await task


async def test_async_with_finds_out_who_ignores_a_cancel():
    until = asyncio.Event()

    async def body() -> asyncio.Task[None]:
        async with leaks():
            task = asyncio.create_task(stubborn(until))
            await asyncio.sleep(0)
            task.cancel()
        return task

    with pytest.raises(LeakError, match="in stubborn"):
        await body()
    until.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_async_with_lets_no_virtual_time_pass():
    async with leaks():
        await asyncio.sleep(5)
    assert asyncio.get_running_loop().time() == 5.0


async def test_a_cancel_while_async_with_waits_goes_on_and_the_collector_runs_again():
    async def body() -> None:
        async with leaks():
            asyncio.current_task().cancel()

    task = asyncio.create_task(body())
    await asyncio.wait([task])
    assert task.cancelled()
    assert gc.isenabled()


# Async generators, timers


async def test_an_async_generator_that_was_begun_and_not_closed_is_left():
    with leaving("async generator numbers is open at") as caught:
        generator = numbers()
        await anext(generator)
    assert len(caught.value.generators) == 1
    with leaks():
        await generator.aclose()
        never_begun, at_its_end = numbers(), numbers()
        assert len([number async for number in at_its_end]) == 10
    del never_begun, at_its_end


async def test_a_live_timer_is_left_with_its_callback_and_its_instant():
    loop = asyncio.get_running_loop()
    with leaving("timer print, due at 60.0 seconds") as caught:
        timer = loop.call_later(60, print)
        loop.call_later(60, print).cancel()
    assert len(caught.value.timers) == 1
    timer.cancel()


async def test_timers_that_compare_equal_are_told_apart():
    loop = asyncio.get_running_loop()
    old = loop.call_at(60, print)
    with leaving("timer print"):
        new = loop.call_at(60, print)
    assert old == new
    old.cancel()
    new.cancel()


@pytest.mark.real
async def test_a_stock_loop_is_looked_into_as_far_as_it_lets_us(loop_kind: str):
    loop = asyncio.get_running_loop()
    assert not isinstance(loop, VirtualLoop)
    with leaving() as caught:
        task = asyncio.create_task(for_ever())
        generator = numbers()
        await anext(generator)
        timer = loop.call_later(60, print)
        loop.call_later(60, print).cancel()
    assert len(caught.value.tasks) == 1
    assert len(caught.value.timers) == (loop_kind == "asyncio")
    assert len(caught.value.generators) == (loop_kind == "asyncio") or loop_kind == "uvloop"
    timer.cancel()
    await generator.aclose()
    await end(task)


# Threads


def test_a_thread_that_lives_on_is_left(release: threading.Event):
    with leaving("thread waiting-room") as caught:
        thread = threading.Thread(target=release.wait, name="waiting-room")
        thread.start()
    assert caught.value.threads == ("waiting-room",)
    with leaks():
        release.set()
        thread.join()


@pytest.mark.real
def test_a_thread_that_is_ending_has_a_moment_to_end(
    release: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys.modules[leaks.__module__], "THREAD_PATIENCE", 30)
    timer = threading.Timer(0.03, release.set)
    with leaks():
        timer.start()
        threading.Thread(target=release.wait).start()


def test_a_thread_that_python_has_not_started_is_nobodys(release: threading.Event):
    begun = threading.Event()

    def stranger() -> None:
        threading.current_thread()
        begun.set()
        release.wait()

    with leaks():
        _thread.start_new_thread(stranger, ())
        begun.wait()


@pytest.mark.real
async def test_threads_of_the_loops_own_executor_end_with_the_loop(loop_kind: str):
    # uvloop does not tell which they are
    with leaks(ignore=[LeakKind.THREADS] if loop_kind == "uvloop" else []):
        assert await asyncio.to_thread(pow, 2, 2) == 4


# File descriptors


@pytest.mark.skipif(not HAS_DESCRIPTORS, reason="the system does not list file descriptors")
def test_a_file_that_stays_open_is_left(tmp_path: Path):
    with leaving("file descriptor") as caught:
        file = (tmp_path / "notes").open("w")
    (text,) = caught.value.descriptors
    assert text.startswith(str(file.fileno()))
    if ON_LINUX:
        assert text.endswith("notes)")
    with leaks():
        file.close()


@pytest.mark.skipif(not ON_LINUX, reason="the system does not say what descriptors lead to")
def test_a_descriptor_that_was_closed_and_opened_again_is_another_one(tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    number = os.open(first, os.O_CREAT)
    with leaving(f"file descriptor {number} .*second"):
        os.close(number)
        assert os.open(second, os.O_CREAT) == number
    os.close(number)


@pytest.mark.skipif(not HAS_DESCRIPTORS, reason="the system does not list file descriptors")
def test_both_ends_of_a_socket_pair_are_left():
    with leaving() as caught:
        ends = socket.socketpair()
    assert len(caught.value.descriptors) == 2
    for end_of_pair in ends:
        end_of_pair.close()


def test_where_no_descriptors_are_listed_none_are_left(monkeypatch: pytest.MonkeyPatch):
    def refuse(_: Path) -> Iterator[Path]:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "iterdir", refuse)
    with leaks():
        ends = socket.socketpair()
    for end_of_pair in ends:
        end_of_pair.close()


@pytest.mark.skipif(not HAS_DESCRIPTORS, reason="the system does not list file descriptors")
def test_where_the_system_does_not_say_what_they_lead_to_descriptors_are_numbers(
    monkeypatch: pytest.MonkeyPatch,
):
    def refuse(_: Path) -> Path:
        raise OSError

    monkeypatch.setattr(Path, "readlink", refuse)
    with leaving() as caught:
        ends = socket.socketpair()
    assert caught.value.descriptors == tuple(
        str(number) for number in sorted(end_of_pair.fileno() for end_of_pair in ends)
    )
    for end_of_pair in ends:
        end_of_pair.close()


# Processes


@pytest.mark.real
@pytest.mark.skipif(not ON_LINUX, reason="the system does not list child processes")
def test_a_child_process_is_left_until_somebody_has_waited_for_it():
    with leaving("process ") as caught:
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert caught.value.processes[0].startswith(f"{process.pid} (")
    process.communicate(b"\n")
    with leaks():
        subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.real
@pytest.mark.skipif(not ON_LINUX, reason="the system does not list child processes")
@pytest.mark.parametrize(("hidden", "expected"), [("comm", ["unknown"]), ("children", [])])
def test_what_the_system_hides_of_its_processes_is_not_told(
    hidden: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
):
    read_text = Path.read_text

    def read(path: Path) -> str:
        if path.name == hidden:
            raise FileNotFoundError
        return read_text(path)

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        monkeypatch.setattr(Path, "read_text", read)
        names = {pid: name for pid, name in processes().items() if pid == process.pid}
        assert list(names.values()) == expected
        process.communicate(b"\n")


@pytest.mark.real
def test_a_process_of_multiprocessing_is_called_by_its_name(release: threading.Event):
    context = multiprocessing.get_context("spawn")
    first = context.Process(target=print)  # starts what multiprocessing keeps
    first.start()
    first.join()
    process = context.Process(target=time.sleep, args=(60,), name="child")
    with leaving() as caught:
        process.start()
    assert caught.value.processes == (f"{process.pid} (child)",)
    process.kill()
    process.join()
    process.close()


# Garbage


def test_cycles_are_left_with_their_types_most_common_first():
    with leaving("cycles for the garbage collector, of 3 ") as caught:
        for _ in range(3):
            Knot()
        loop: list[object] = []
        loop.append(loop)
        del loop
    told = caught.value.garbage
    assert told[0] in (f"3 {__name__}.Knot", "3 dict")
    assert f"3 {__name__}.Knot" in told
    assert told[-1] == "1 list"


def test_only_a_handful_of_types_is_told():
    with leaving() as caught:
        for number in range(8):
            kind = type(f"Kind{number}", (Knot,), {})
            kind()
        del kind
    assert len(caught.value.garbage) == 6
    assert caught.value.garbage[-1].endswith(" more types")


def test_what_is_freed_at_once_is_no_garbage():
    with leaks():
        for _ in range(1000):
            [object(), {}, Path()]


def test_garbage_of_before_is_not_the_blocks():
    Knot()
    with leaks():
        pass


def test_no_collection_runs_in_the_block_by_itself_and_hides_a_cycle():
    with leaving("Knot"):
        Knot()
        kept = [[] for _ in range(100_000)]
    del kept


def test_garbage_is_freed_and_the_collector_is_left_as_it_was():
    stranger = object()
    gc.garbage.append(stranger)
    gc.set_debug(gc.DEBUG_UNCOLLECTABLE)
    try:
        with leaving() as caught:
            knot = weakref.ref(Knot())
        assert knot() is None
        assert "object" not in str(caught.value)
        assert gc.garbage == [stranger]
        assert gc.get_debug() == gc.DEBUG_UNCOLLECTABLE
        assert gc.isenabled()
    finally:
        gc.garbage.clear()
        gc.set_debug(0)


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with leaks():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_leak_that_was_raised_is_freed_at_once(release: threading.Event):
    gone = None
    gc.disable()
    try:
        try:
            with leaks(ignore=[LeakKind.GARBAGE]):
                threading.Thread(target=release.wait).start()
        except LeakError as leak:
            gone = weakref.ref(leak)
        assert gone is not None
        assert gone() is None
    finally:
        gc.enable()


# Choosing, nesting, and errors of the block


async def test_each_kind_can_be_ignored(release: threading.Event, tmp_path: Path):
    every = list(LeakKind)
    with leaks(ignore=every):
        task = asyncio.create_task(for_ever())
        timer = asyncio.get_running_loop().call_later(60, print)
        generator = numbers()
        await anext(generator)
        threading.Thread(target=release.wait).start()
        file = (tmp_path / "notes").open("w")
        Knot()
    timer.cancel()
    await generator.aclose()
    file.close()
    await end(task)


def test_ignoring_one_kind_does_not_hide_another():
    with pytest.raises(LeakError, match="Knot"), leaks(ignore={LeakKind.THREADS}):
        Knot()


@pytest.mark.parametrize("ignore", ["tasks", ["tasks"], [None]])
def test_a_kind_that_there_is_not_is_refused(ignore: Any):
    with pytest.raises(FluidValueError, match=r"write  leaks\(ignore=\[LeakKind\.THREADS\]\)"):
        leaks(ignore=ignore)


def test_every_kind_is_an_attribute_of_the_error():
    assert all(getattr(LeakError("nothing"), kind.value) == () for kind in LeakKind)


async def test_the_exception_of_the_block_goes_on_with_the_leak_as_a_note():
    tasks: list[asyncio.Task[Any]] = []

    async def body() -> None:
        with leaks():
            tasks.append(asyncio.create_task(for_ever(), name="forgotten"))
            await asyncio.sleep(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        await body()
    (note,) = caught.value.__notes__
    assert note.startswith("also: the block has ended and left alive:")
    assert "forgotten waits at" in note
    await end(*tasks)


async def test_the_exception_of_a_block_that_leaves_nothing_has_no_note():
    with pytest.raises(ZeroDivisionError) as caught:
        async with leaks():
            raise ZeroDivisionError
    assert not hasattr(caught.value, "__notes__")


def test_blocks_can_be_nested_and_the_inner_one_reports_its_own():
    with leaks():  # finds no garbage either, though an error was raised inside of it
        try:
            with leaks():
                Knot()
        except LeakError as leak:
            told = str(leak)
        assert not gc.isenabled()
    assert "Knot" in told
    assert gc.isenabled()


async def test_every_kind_is_told_in_one_report(release: threading.Event, tmp_path: Path):
    with leaving() as caught:
        task = asyncio.create_task(for_ever(), name="forgotten")
        timer = asyncio.get_running_loop().call_later(60, print)
        threading.Thread(target=release.wait, name="waiting-room").start()
        Knot()
    lines = str(caught.value).splitlines()
    assert lines[0] == "the block has ended and left alive:"
    assert [line.split()[0] for line in lines[1:5]] == ["timer", "thread", "cycles", "forgotten"]
    timer.cancel()
    await end(task)
