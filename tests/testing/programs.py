"""Programs made of a seed: tasks that sleep, wait, send, lock, cancel, time out and fail.

Whatever they see goes into a log. No two timers of a program are due at the same instant, which is
the one thing about their order that stock asyncio leaves open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Any, TypeAlias

Log: TypeAlias = list[tuple[float, str, str]]
Op: TypeAlias = Callable[["Program"], Coroutine[Any, Any, None]]

QUANTUM = 1 / 512
"""Seconds. Exact in floats and in whole nanoseconds, so that both kinds of loop can agree."""

FAR = 2.0**25 * QUANTUM
"""When a program that still waits is ended."""

NAMES = "abc"
"""Events, queues and locks are shared by these names."""


class Program:
    """What the tasks of one run share, and the log of everything that they see."""

    def __init__(self) -> None:
        self.log: Log = []
        self.events = {name: asyncio.Event() for name in NAMES}
        self.queues = {name: asyncio.Queue[int](maxsize=1) for name in NAMES}
        self.locks = {name: asyncio.Lock() for name in NAMES}
        self.tasks: list[asyncio.Task[None]] = []

    def say(self, what: str) -> None:
        task = asyncio.current_task() if asyncio._get_running_loop() else None
        who = task.get_name() if task else "-"
        self.log.append((asyncio.get_running_loop().time(), who, what))

    def spawn(self, op: Op, create_task: Any = asyncio.create_task) -> asyncio.Task[None]:
        task: asyncio.Task[None] = create_task(op(self), name=f"t{len(self.tasks)}")
        self.tasks.append(task)
        task.add_done_callback(lambda task: self.say(f"{task.get_name()} {outcome(task)}"))
        return task


def outcome(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "was cancelled"
    return f"ended with {task.exception()!r}"


class Maker:
    """Makes a program of a seed; with time, or of ready callbacks alone."""

    def __init__(self, seed: int, timed: bool) -> None:
        self.random = Random(f"differential/{seed}")
        self.timed = timed
        self.sleeps = 0
        self.ops = 0

    def delay(self) -> float:
        """Returns a power of two, each only once: no sum of them is equal to another."""
        self.sleeps += 1
        return 2.0**self.sleeps * QUANTUM

    def body(self, depth: int) -> Op:
        """Returns some operations in a row."""
        ops = [self.op(depth) for _ in range(self.random.randint(1, 4))]

        async def run(program: Program) -> None:
            for number, op in enumerate(ops):
                program.say(f"begins {number}")
                await op(program)
                program.say(f"ends {number}")

        return run

    def op(self, depth: int) -> Op:
        self.ops += 1
        kinds = [pause, use_event, use_queue, use_lock, cancel_another, callback, fail]
        if self.timed and self.sleeps < 20:
            kinds += [sleep, time_out, timer]
        if depth:
            kinds += [children, one_group, first_of, catch, shielded]
        return self.random.choice(kinds)(self, depth)


def pause(maker: Maker, depth: int) -> Op:
    times = maker.random.randint(1, 3)

    async def run(program: Program) -> None:
        for _ in range(times):
            await asyncio.sleep(0)

    return run


def sleep(maker: Maker, depth: int) -> Op:
    delay = maker.delay()
    return lambda program: asyncio.sleep(delay)


def timer(maker: Maker, depth: int) -> Op:
    delay, cancels = maker.delay(), maker.random.random() < 0.3

    async def run(program: Program) -> None:
        handle = asyncio.get_running_loop().call_later(delay, program.say, f"timer {delay}")
        await asyncio.sleep(0)
        if cancels:
            handle.cancel()

    return run


def callback(maker: Maker, depth: int) -> Op:
    name, breaks = maker.random.choice(NAMES), maker.random.random() < 0.1

    def call(program: Program) -> None:
        program.say(f"callback {name}")
        if breaks:
            raise ZeroDivisionError
        program.events[name].set()

    async def run(program: Program) -> None:
        asyncio.get_running_loop().call_soon(call, program)

    return run


def use_event(maker: Maker, depth: int) -> Op:
    name, verb = maker.random.choice(NAMES), maker.random.choice(("set", "clear", "wait"))

    async def run(program: Program) -> None:
        if verb == "wait":
            await program.events[name].wait()
        else:
            getattr(program.events[name], verb)()

    return run


def use_queue(maker: Maker, depth: int) -> Op:
    name, number = maker.random.choice(NAMES), maker.random.randrange(100)
    puts = maker.random.random() < 0.5

    async def run(program: Program) -> None:
        if puts:
            await program.queues[name].put(number)
        else:
            program.say(f"got {await program.queues[name].get()}")

    return run


def use_lock(maker: Maker, depth: int) -> Op:
    name, inner = maker.random.choice(NAMES), maker.op(0)

    async def run(program: Program) -> None:
        async with program.locks[name]:
            program.say(f"holds {name}")
            await inner(program)

    return run


def fail(maker: Maker, depth: int) -> Op:
    number = maker.ops

    async def run(program: Program) -> None:
        raise ValueError(number)

    return run


def cancel_another(maker: Maker, depth: int) -> Op:
    which = maker.random.randrange(100)

    async def run(program: Program) -> None:
        task = program.tasks[which % len(program.tasks)]
        program.say(f"cancels {task.get_name()}: {task.cancel(f'by {which}')}")

    return run


def time_out(maker: Maker, depth: int) -> Op:
    delay, inner = maker.delay(), maker.body(depth and depth - 1)

    async def run(program: Program) -> None:
        try:
            async with asyncio.timeout(delay):
                await inner(program)
        except TimeoutError:
            program.say("timed out")

    return run


def catch(maker: Maker, depth: int) -> Op:
    inner, cleanup = maker.body(depth - 1), maker.op(0)
    kind = maker.random.choice((ValueError, asyncio.CancelledError, BaseException))

    async def run(program: Program) -> None:
        try:
            await inner(program)
        except kind as error:
            program.say(f"caught {error!r}")
        finally:
            await cleanup(program)

    return run


def children(maker: Maker, depth: int) -> Op:
    bodies = [maker.body(depth - 1) for _ in range(maker.random.randint(1, 3))]
    gathers, returns = maker.random.random() < 0.7, maker.random.random() < 0.5

    async def run(program: Program) -> None:
        tasks = [program.spawn(body) for body in bodies]
        if gathers:
            ends = await asyncio.gather(*tasks, return_exceptions=returns)
            program.say(f"gathered {ends!r}")

    return run


def one_group(maker: Maker, depth: int) -> Op:
    """A TaskGroup; of one child, because stock asyncio cancels several in any order."""
    child, inner = maker.body(depth - 1), maker.body(depth - 1)

    async def run(program: Program) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                program.spawn(child, group.create_task)
                await inner(program)
        except BaseExceptionGroup as errors:
            program.say(f"group {errors.exceptions!r}")

    return run


def first_of(maker: Maker, depth: int) -> Op:
    bodies = [maker.body(depth - 1) for _ in range(2)]

    async def run(program: Program) -> None:
        tasks = [program.spawn(body) for body in bodies]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        program.say(f"first {sorted(task.get_name() for task in done)}")

    return run


def shielded(maker: Maker, depth: int) -> Op:
    body = maker.body(depth - 1)

    async def run(program: Program) -> None:
        await asyncio.shield(program.spawn(body))

    return run


def program_of(seed: int, timed: bool, log: Log) -> Callable[[], Coroutine[Any, Any, None]]:
    """Returns a program that fills ``log``, and ends whatever still waits at last."""
    maker = Maker(seed, timed)
    bodies = [maker.body(depth=2) for _ in range(maker.random.randint(2, 4))]

    async def main() -> None:
        program = Program()
        program.log = log
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(
            lambda _, context: program.say(f"lost {context.get('exception')!r}")
        )
        tasks = [program.spawn(body) for body in bodies]
        await asyncio.wait(tasks, timeout=FAR)
        while left := [task for task in program.tasks if not task.done()]:
            for task in left:
                task.cancel("at last")
            await asyncio.wait(left, timeout=FAR)
        for task in program.tasks:
            with suppress(BaseException):
                task.result()

    return main
