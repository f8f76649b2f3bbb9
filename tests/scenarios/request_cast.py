"""What the scenarios with requests share: who asks a supervisor for things, and what may come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from fluid import DynamicSupervisor, FluidError, Supervisor
from fluid.testing import Simulation
from tests.scenarios.cast import Breakable, Planned
from tests.scenarios.supervised_cast import AT_ONCE, FOR_EVER, Maker

SETTLED = 100.0
"""Seconds after which nobody may still wait for a supervisor that has ended."""


def dynamic(template=Breakable, **options) -> DynamicSupervisor:
    """Returns a dynamic supervisor that restarts at once and never gives up, unless told so."""
    defaults = {"name": "app", "backoff": AT_ONCE, "max_restarts": FOR_EVER, "seed": 0}
    return DynamicSupervisor(template, **{**defaults, **options})


class Requests:
    """Asks a supervisor for things at any step, and keeps the answers."""

    def __init__(self, sim: Simulation, app: Supervisor, id_: str, *verbs: str) -> None:
        self.app, self.id = app, id_
        self.asked: list[tuple[str, asyncio.Task[object]]] = []
        self._sim = sim
        self._added = 0
        requests: dict[str, Callable[[], Awaitable[object]]] = {
            "add": self._add,
            "stop_child": partial(app.stop_child, id_),
            "restart_child": partial(app.restart_child, id_),
            "remove_child": partial(app.remove_child, id_),
            "tell": self._tell,
            "shutdown": self._shutdown,
        }
        for verb in verbs or requests:
            sim.offer(verb, partial(self.ask, verb, requests[verb]))
        sim.offer("cancel who asked last", self._cancel_the_last)

    def ask(self, verb: str, request: Callable[[], Awaitable[object]]) -> None:
        """Asks in a task of its own."""

        async def ask() -> object:
            return await request()

        self.asked.append((verb, self._sim.loop.create_task(ask())))

    def _cancel_the_last(self) -> None:
        if self.asked:
            self.asked[-1][1].cancel()

    async def _add(self) -> object:
        self._added += 1
        return await self.app.add_child(Maker(f"added{self._added}"))

    async def _tell(self) -> object:
        self.app.set_limits(max_restarts=10**6 + self._added, period=30)
        children, counts = self.app.children(), self.app.count_children()
        assert len(children) == counts.specs == len(await self.app.status())
        assert self.app.tree()
        return counts

    async def _shutdown(self) -> None:
        await self.app.shutdown()

    async def settled(self) -> dict[str, str]:
        """Waits until everything that was asked has happened; returns where each child is then."""
        for _ in range(20):
            states = {child.id: child.state.value for child in self.app.children()}
            is_settled = set(states.values()) <= {"running", "stopped"} and self._are_done()
            if is_settled or self.app.is_stopped():
                return states
            await asyncio.sleep(0.2)
        raise AssertionError((states, self.asked))

    def _are_done(self) -> bool:
        return all(task.done() for _, task in self.asked)

    async def assert_all_were_answered(self) -> None:
        """Asserts that nobody waits for ever, and that all were told what may be told."""
        while tasks := [task for _, task in self.asked if not task.done()]:
            done, _ = await asyncio.wait(tasks, timeout=SETTLED)
            assert done, [verb for verb, task in self.asked if not task.done()]
        for verb, task in self.asked:
            if not task.cancelled() and (error := task.exception()) is not None:
                assert isinstance(error, (FluidError, Planned)), (verb, error)
                assert verb != "tell", error

    def answers(self, verb: str) -> list[object]:
        """Returns what those were told who asked for this, and were answered well."""
        done = [task for name, task in self.asked if name == verb and not task.cancelled()]
        return [task.result() for task in done if task.exception() is None]

    def errors(self) -> list[BaseException | None]:
        """Returns what those were told whose request was refused or failed."""
        return [task.exception() for _, task in self.asked if not task.cancelled()]
