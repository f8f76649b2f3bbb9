"""The real loop in legal disorder: what it may change, what it must not, and what that finds."""

from __future__ import annotations

import asyncio
import gc
import inspect
import selectors
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fluid.errors import FluidError, FluidValueError
from fluid.testing import LeakError, UnhandledError
from fluid.testing.legal_loop import LATENESS, MOST_HOLDS, LegalLoop, explore_real

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform == "win32", reason="the proactor loop is another loop"),
]

SEEDS = 15
"""What the scenarios below are run with; all together they take a second or two."""


def legal_loop() -> LegalLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LegalLoop)
    return loop


@contextmanager
def a_loop(seed: int = 0) -> Iterator[Any]:
    loop = LegalLoop(seed)
    try:
        yield loop
    finally:
        loop.close()


async def for_ever() -> None:
    await asyncio.Event().wait()


# What it borrows from asyncio


def test_a_selector_loop_has_what_is_borrowed():
    with a_loop() as loop:
        stock = asyncio.SelectorEventLoop
        assert list(inspect.signature(stock._process_events).parameters) == ["self", "event_list"]
        assert list(inspect.signature(stock._check_callback).parameters) == [
            *("self", "callback", "method")
        ]
        assert isinstance(loop._scheduled, list)
        assert isinstance(loop._selector, selectors.BaseSelector)
        assert loop._debug is False


def test_asyncio_polls_then_processes_events_then_looks_at_the_clock():
    seen: list[str] = []
    with a_loop() as loop:
        process, clock = loop._process_events, loop.time
        loop.call_soon(loop.stop)
        loop._process_events = lambda events: (seen.append("events"), process(events))
        loop.time = lambda: (seen.append("clock"), clock())[1]
        loop.run_forever()
    assert seen.index("events") < seen.index("clock")


# Events


class Fired(selectors.BaseSelector):
    """Reports the same descriptors as ready, poll by poll."""

    def __init__(self, *fds: int) -> None:
        self.fds = fds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return [
            (selectors.SelectorKey(fd, fd, selectors.EVENT_READ, None), selectors.EVENT_READ)
            for fd in self.fds
        ]

    def _unused(self, *_: object) -> Any:
        raise NotImplementedError

    register = unregister = get_map = _unused


def polls(loop: Any, count: int, *fds: int) -> list[list[int]]:
    """Returns the descriptors that get through, for each of so many polls."""
    selector = Fired(*fds)
    return [[key.fd for key, _ in loop._let_through(selector.select())] for _ in range(count)]


def test_events_of_one_poll_come_in_every_order():
    with a_loop() as loop:
        orders = {tuple(order) for order in polls(loop, 300, 1, 2, 3) if len(order) == 3}
    assert len(orders) == 6


def test_every_event_is_held_back_sometimes_and_never_for_more_than_three_polls():
    with a_loop() as loop:
        seen = polls(loop, 1000, 7, 8)
        for fd in (7, 8):
            held = "".join("." if fd in order else "x" for order in seen)
            assert max(map(len, held.split("."))) == MOST_HOLDS
        assert loop.held_back == sum(2 - len(order) for order in seen)


def test_a_descriptor_that_got_through_is_forgotten():
    with a_loop() as loop:
        polls(loop, 1000, 7)
        while not any(polls(loop, 1, 7)):
            pass
        assert loop._times_held == {}


def test_one_seed_makes_the_same_draws_and_another_makes_others():
    def draws(seed: int) -> list[list[int]]:
        with a_loop(seed) as loop:
            return polls(loop, 50, 1, 2, 3)

    assert draws(1) == draws(1)
    assert draws(1) != draws(2)


# Timers


def test_timers_are_late_by_0_1_or_20_milliseconds_and_some_of_each():
    with a_loop() as loop:
        late = [loop.call_at(60, print).late for _ in range(500)]
    assert set(late) == set(LATENESS)
    assert late.count(0) > late.count(0.001) > late.count(0.02)


def test_a_timers_instant_is_what_its_maker_said():
    with a_loop() as loop:
        timers = [loop.call_at(60, print) for _ in range(100)]
        assert {timer.when() for timer in timers} == {60}


def order_of(instants: list[float], *, seed: int = 0) -> list[int]:
    """Returns the order in which timers for so many instants in the past are called."""
    order: list[int] = []
    with a_loop(seed) as loop:
        for number, instant in enumerate(instants):
            loop.call_at(instant, order.append, number)
        loop.call_at(1e-6 + max(instants), loop.stop)
        loop.run_forever()
    return order


def test_timers_of_one_instant_come_in_any_order():
    orders = {tuple(order_of([1, 1, 1], seed=seed)) for seed in range(100)}
    assert len(orders) == 6


def test_timers_of_different_instants_never_overtake_each_other():
    instants = [number * 1e-9 for number in range(50)]
    assert all(order_of(instants, seed=seed) == list(range(50)) for seed in range(3))


async def sleeper() -> None:
    """Sleeps a little, often enough to be late sometimes."""
    loop, latest = legal_loop(), 0.0
    for _ in range(40):
        due = loop.time() + 0.0001
        await asyncio.sleep(0.0001)
        assert loop.time() >= due - time.get_clock_info("monotonic").resolution
        latest = max(latest, loop.time() - due)
    assert loop.late_timers > 0
    assert latest >= 0.001


def test_timers_are_never_early_and_some_are_late():
    assert explore_real(sleeper, seeds=3) == 3


def test_a_timer_that_is_not_due_makes_nobody_late():
    with a_loop() as loop:
        loop.call_at(loop.time() + 60, print).late = 0.02
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert loop.late_timers == 0


def test_asyncio_keeps_count_of_timers_that_were_cancelled():
    with a_loop() as loop:
        loop.call_at(loop.time() + 60, print).cancel()
        assert loop._timer_cancelled_count == 1


def test_a_timer_that_was_cancelled_makes_nobody_late():
    with a_loop() as loop:
        for _ in range(100):
            loop.call_at(0, print).cancel()
        loop.call_soon(loop.stop)
        loop.run_forever()
        assert loop.late_timers == 0


def test_what_arrives_while_a_timer_is_late_comes_before_it(monkeypatch: pytest.MonkeyPatch):
    ours, theirs = socket.socketpair()
    orders: list[list[bytes]] = []
    lost: list[float] = []

    def lose(seconds: float) -> None:
        lost.append(seconds)
        theirs.send(b"message")

    async def main() -> None:
        loop, order = legal_loop(), list[bytes]()
        loop.add_reader(ours, lambda: order.append(ours.recv(16)))
        timer: Any = loop.call_at(0, order.append, b"timer")
        timer.late = 0.02
        while len(order) < 2:
            await asyncio.sleep(0)
        loop.remove_reader(ours)
        orders.append(order)

    monkeypatch.setattr(sys.modules[LegalLoop.__module__], "time", SimpleNamespace(sleep=lose))
    with ours, theirs:
        explore_real(main, seeds=4)
    assert lost == [0.02] * 4
    assert [b"message", b"timer"] in orders  # unless it is held back for another poll


def test_callbacks_stay_first_in_first_out():
    async def main() -> None:
        seen: list[int] = []
        for number in range(100):
            legal_loop().call_soon(seen.append, number)
        await asyncio.sleep(0)
        assert seen == list(range(100))

    explore_real(main, seeds=5)


@pytest.mark.parametrize("debug", [False, True])
def test_debug_is_asyncios_debug_mode(debug: bool):
    async def main() -> None:
        assert legal_loop().get_debug() is debug
        await asyncio.sleep(0.001)

    explore_real(main, seeds=1, debug=debug)


def test_debug_mode_refuses_a_coroutine_as_a_timer():
    with a_loop() as loop:
        loop.set_debug(True)
        with pytest.raises(TypeError, match="coroutines cannot be used with call_at"):
            loop.call_at(1, for_ever)


def test_a_closed_loop_takes_no_timers():
    with a_loop() as loop:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_at(1, print)


# Programs that are right


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def talk(connect: Callable[[], Coroutine[Any, Any, Any]], name: str) -> None:
    reader, writer = await connect()
    for number in range(5):
        line = f"{name} {number}\n".encode()
        writer.write(line)
        assert await reader.readline() == line
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def served(server: asyncio.Server, connect: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Lets five clients talk at once, and waits until the server has seen all of them leave."""
    async with server:
        await asyncio.gather(*(talk(connect, f"client {number}") for number in range(5)))
        me = asyncio.current_task()
        while handlers := asyncio.all_tasks() - {me}:
            await asyncio.wait(handlers)


async def tcp_echo() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1")
    host, port = server.sockets[0].getsockname()
    await served(server, partial(asyncio.open_connection, host, port))


async def subprocess_with_pipes() -> None:
    shout = "import sys; print(sys.stdin.read().upper(), end=''); print('done', file=sys.stderr)"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-S", "-c", shout),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert await process.communicate(b"hello") == (b"HELLO", b"done\n")
    assert process.returncode == 0


class Pong(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data.upper(), addr)


class Ping(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.answers.put_nowait(data)


async def udp() -> None:
    loop = asyncio.get_running_loop()
    there, _ = await loop.create_datagram_endpoint(Pong, local_addr=("127.0.0.1", 0))
    address = there.get_extra_info("sockname")
    here, ping = await loop.create_datagram_endpoint(Ping, remote_addr=address)
    for number in range(10):
        here.sendto(f"ping {number}".encode())
        assert await ping.answers.get() == f"PING {number}".encode()
    here.close()
    there.close()
    await asyncio.sleep(0)


async def threads() -> None:
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    squares = await asyncio.gather(*(asyncio.to_thread(pow, number, 2) for number in range(10)))
    assert squares == [number**2 for number in range(10)]
    await asyncio.to_thread(loop.call_soon_threadsafe, heard.set)
    await heard.wait()


async def queue_and_lock() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue(maxsize=2)
    lock, taken = asyncio.Lock(), []

    async def consume() -> None:
        while (number := await queue.get()) >= 0:
            async with lock:
                taken.append(number)
                await asyncio.sleep(0)
                assert taken[-1] == number

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(consume())
        for number in [*range(20), -1, -1, -1]:
            await queue.put(number)
    assert sorted(taken) == list(range(20))


@pytest.mark.parametrize(
    "scenario", [tcp_echo, udp, threads, queue_and_lock, subprocess_with_pipes]
)
def test_programs_that_are_right_pass(scenario: Callable[[], Coroutine[Any, Any, None]]):
    seeds = 5 if scenario is subprocess_with_pipes else SEEDS
    assert explore_real(scenario, seeds=seeds) == seeds


def test_a_unix_server_passes(tmp_path: Path):
    path = str(tmp_path / "socket")

    async def main() -> None:
        server = await asyncio.start_unix_server(echo, path)
        await served(server, partial(asyncio.open_unix_connection, path))

    assert explore_real(main, seeds=SEEDS) == SEEDS


def test_there_is_disorder_in_programs_that_pass():
    held: list[int] = []

    async def main() -> None:
        await tcp_echo()
        held.append(legal_loop().held_back)

    explore_real(main, seeds=5)
    assert all(held)


# Programs that are wrong


async def takes_the_order_for_granted() -> None:
    """Believes that the socket that was written to first is read first."""
    loop, order = asyncio.get_running_loop(), []
    pairs = [socket.socketpair() for _ in range(2)]
    try:
        for name, (ours, _) in zip("ab", pairs, strict=True):
            loop.add_reader(
                ours, lambda name=name, ours=ours: order.append(name * len(ours.recv(1)))
            )
        for _, theirs in pairs:
            theirs.send(b"!")
        while len(order) < 2:
            await asyncio.sleep(0)
        assert order == ["a", "b"], "b came first"
    finally:
        for ours, theirs in pairs:
            loop.remove_reader(ours)
            ours.close()
            theirs.close()


def test_a_dependence_on_the_order_of_two_sockets_is_found_here_and_not_on_a_stock_loop():
    for _ in range(50):
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(takes_the_order_for_granted())
    with pytest.raises(AssertionError, match="b came first") as caught:
        explore_real(takes_the_order_for_granted)
    (note,) = caught.value.__notes__
    seed = int(note.partition("seeds=[")[2].partition("]")[0])
    assert note == f"seed={seed}: explore_real(takes_the_order_for_granted, seeds=[{seed}])"
    with pytest.raises(AssertionError, match="b came first"):
        explore_real(takes_the_order_for_granted, seeds=[seed])


# What a run is held to


def test_a_run_that_leaves_a_task_fails_and_names_it():
    async def main() -> None:
        kept.append(asyncio.create_task(for_ever(), name="forgotten"))
        await asyncio.sleep(0)

    kept: list[asyncio.Task[None]] = []
    with pytest.raises(LeakError, match="forgotten waits at") as caught:
        explore_real(main)
    assert caught.value.__notes__[0].startswith("seed=0: ")
    assert kept[0].cancelled()


def test_an_exception_that_nobody_handled_fails_the_run_that_lost_it():
    async def fail() -> None:
        raise ValueError("lost")

    async def main() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task

    with pytest.raises(UnhandledError, match="never retrieved") as caught:
        explore_real(main, seeds=[5])
    assert isinstance(caught.value.__cause__, ValueError)
    assert caught.value.__notes__[0].startswith("seed=5: ")


def test_what_only_the_garbage_collector_finds_fails_the_run_that_lost_it():
    async def fail() -> None:
        raise ValueError("lost")

    async def main() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        cycle: list[object] = [task]
        cycle.append(cycle)
        if seeds.pop() == 1:
            task.exception()

    gc.disable()
    seeds = [0, 1]  # from the end
    try:
        with pytest.raises(UnhandledError) as caught:
            explore_real(main, seeds=3)
    finally:
        gc.enable()
    assert caught.value.__notes__[0].startswith("seed=1: ")


def test_the_scenarios_own_exception_goes_first_and_what_else_went_wrong_is_a_note():
    async def main() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "something else"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        explore_real(main, seeds=1)
    assert caught.value.__notes__[0] == "also: something else"


def test_seeds_are_a_number_or_the_seeds_themselves():
    seen: list[object] = []

    async def main() -> None:
        seen.append(legal_loop()._event_chance.random())

    assert explore_real(main, seeds=3) == 3
    assert explore_real(main, seeds=range(3)) == 3
    assert explore_real(main, seeds=iter([2])) == 1
    assert seen[:3] == seen[3:6]
    assert seen[6] == seen[2]


@pytest.mark.parametrize("seeds", [0, -1, []])
def test_no_seed_at_all_is_refused_because_it_would_prove_nothing(seeds: Any):
    with pytest.raises(FluidValueError, match="was given no seed to run with"):
        explore_real(for_ever, seeds=seeds)


@pytest.mark.parametrize("scenario", [42, lambda: 42])
def test_what_is_no_async_function_is_refused(scenario: Any):
    with pytest.raises(FluidValueError, match="Pass the function itself"):
        explore_real(scenario)


def test_a_coroutine_is_refused_because_it_runs_once_only():
    coroutine = for_ever()
    with pytest.raises(FluidValueError, match="each seed calls it anew"):
        explore_real(coroutine)
    coroutine.close()


async def test_it_refuses_to_start_inside_a_running_loop():
    with pytest.raises(FluidError, match="Call it from a plain function"):
        explore_real(for_ever)


def test_it_leaves_no_cycles_behind_but_those_of_its_scenario():
    async def main() -> None:
        await asyncio.sleep(0)

    gc.collect()
    frozen = gc.get_freeze_count()
    explore_real(main, seeds=1)
    assert gc.collect() == 0
    assert gc.get_freeze_count() == frozen
