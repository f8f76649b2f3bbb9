"""Any worker, under everything that its users may do to it, at any moment.

What is asserted here is what fluid promises of every worker, so a failure is a defect of the worker
under test (it refuses to end, it leaks, it breaks a hook's contract) or of fluid's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from typing import Any

from ..errors import WorkerStartError
from ..events import WorkerEnded, WorkerStarted, WorkerStopping
from ..rules.lifecycle import FINAL_STATES, INIT
from ..worker.base import Worker
from .exploring import CALM, Eager, explore, sweep
from .recorder import LifecycleEvents
from .schedules.simulate import Conditions
from .schedules.simulation import Simulation
from .schedules.tally import Tally

SLACK = 0.5
"""Seconds by which a bound may be missed, where each of its timers may be late by 20 ms."""

LIFETIME = 10.0
"""The virtual seconds within which everybody does something."""

USERS = 4
"""How many act on the worker at the same time."""


def stress(
    factory: Callable[[], Worker],
    *,
    seeds: int = 100,
    eager: Eager = False,
    conditions: Conditions = CALM,
) -> Tally:
    """Starts, stops, cancels, awaits and asks a worker from many sides, in many orders.

    Then the same once for each step of its life and each fault: a stop, a stop by force, a cancel
    of its task by a third party, a cancel of its starter. It asserts that every life has one end,
    within its bound and told alike to everybody; that a second start is refused; that ``status()``
    is plain data; that nothing is left behind.

    Args:
        factory: Makes a new worker. It is called in a running loop, once for each schedule.
        seeds: Random orders to try, before the sweep. Default 100.
        eager: As in :func:`explore`.
        conditions: What all runs have in common; ``Conditions()`` by default. A worker that does
            not end by itself and has no bound needs none: it is stopped after 10 virtual seconds.

    Returns:
        What was explored.

    Raises:
        ExplorationError: If the worker, or fluid, breaks a promise in some order.
        FluidError: If a loop is running in this thread.
    """

    async def crowd(sim: Simulation) -> None:
        await _Stress(sim, factory()).run(users=USERS)

    async def loner(sim: Simulation) -> None:
        await _Stress(sim, factory()).run(users=0)

    name = getattr(factory, "__name__", type(factory).__name__)
    crowd.__qualname__ = loner.__qualname__ = f"stress({name})"
    total = explore(crowd, seeds=seeds, faults="offered", eager=eager, conditions=conditions)
    total.add(sweep(loner, eager=eager, conditions=conditions))
    return total


class _Stress:
    """One run of it."""

    def __init__(self, sim: Simulation, worker: Worker) -> None:
        self.worker = worker
        self.random: Random = sim.random("stress")
        self.events = LifecycleEvents(worker)
        self.heard: list[BaseException | None] = []
        self.starter = asyncio.ensure_future(_outcome(worker.startup))
        sim.offer("stop", worker.gracefully_stop)
        sim.offer("stop by force", worker._worker.force)
        sim.offer("cancel the task", self.cancel_task)
        sim.offer("cancel the starter", self.starter.cancel)

    def cancel_task(self) -> None:
        life = self.worker._worker.life
        if life is not None and life.task is not None:
            life.task.cancel("stressed")

    async def run(self, users: int) -> None:
        crowd = [asyncio.ensure_future(self.user()) for _ in range(users)]
        await asyncio.wait([self.starter])
        done = asyncio.ensure_future(self.listen())
        await asyncio.wait([done, *crowd], timeout=LIFETIME)
        await self.end_in_time()
        for task in (done, *crowd):
            task.cancel()
        for end in await asyncio.gather(done, *crowd, return_exceptions=True):
            if isinstance(end, Exception):  # what a user of the worker saw, and did not expect
                raise end
        await self.check()

    async def end_in_time(self) -> None:
        worker = self.worker
        worker.gracefully_stop()
        try:
            async with asyncio.timeout(worker.worker_stop_bound + SLACK):
                await _outcome(worker.wait_for_shutdown)
        except TimeoutError:
            raise AssertionError(
                f"{worker.worker_name} did not end within its bound of "
                f"{worker.worker_stop_bound} seconds"
            ) from None

    async def user(self) -> None:
        """Does a few things to the worker, at random moments."""
        worker, random = self.worker, self.random
        verbs: list[Callable[[], Awaitable[Any]]] = [
            self.listen,
            self.impatient,
            self.ask,
            partial(_outcome, worker.startup),
            partial(_outcome, worker.wait_ready),
            partial(_outcome, worker.shutdown),
        ]
        for _ in range(random.randint(1, 4)):
            await asyncio.sleep(random.choice((0.0, 0.0, 0.001, 1.0, LIFETIME / 4)))
            await random.choice(verbs)()

    async def listen(self) -> None:
        """Waits for the end, and keeps what it was told."""
        await self.begun()
        self.heard.append(await _outcome(self.worker.wait_for_shutdown))

    async def begun(self) -> None:
        if not self.worker.has_started():
            await asyncio.wait([self.starter])

    async def impatient(self) -> None:
        """Waits for the end, but not for long."""
        waiting = asyncio.ensure_future(_outcome(self.worker.wait_for_shutdown))
        await asyncio.sleep(self.random.choice((0.0, 0.001)))
        waiting.cancel()
        await asyncio.wait([waiting])

    async def ask(self) -> None:
        json.dumps(await self.worker.status())
        json.dumps(self.worker.worker_tree())

    async def check(self) -> None:
        worker, events = self.worker, self.events
        if not worker.has_started():
            assert worker.worker_state is INIT, worker.worker_state
            return
        assert worker.worker_state in FINAL_STATES, worker.worker_state
        record = worker.worker_exit
        assert record is not None
        path = worker.worker_path
        mine = [event for event in events if event.path == path]
        for kind in (WorkerStarted, WorkerStopping, WorkerEnded):
            times = sum(isinstance(event, kind) for event in mine)
            assert times == 1, f"{path} said {times} times {kind.__name__}:\n{events}"
        assert not worker.is_ready()
        assert all(told is record.exception for told in self.heard), (self.heard, record.exception)
        assert isinstance(await _outcome(worker.startup), WorkerStartError)
        await self.ask()
        for below in _below(worker):
            assert below.is_stopped() or not below.has_started(), below.worker_path


def _below(worker: Worker) -> list[Worker]:
    below: list[Worker] = []
    for child in worker.workers():
        if child is not worker:
            below += [child, *_below(child)]
    return below


async def _outcome(verb: Callable[[], Awaitable[object]]) -> BaseException | None:
    """Awaits a verb, and returns what it raised; a cancel of the waiter itself goes on."""
    try:
        await verb()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return error
    except Exception as error:
        return error
    return None
