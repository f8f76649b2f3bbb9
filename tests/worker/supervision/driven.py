"""A real supervisor on a virtual loop that is driven step by step from synchronous tests."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeAlias

from fluid import ChildSpec, Supervisor, Worker
from fluid.events import RestartScheduled, WorkerEvent
from fluid.testing import VirtualLoop, pending_tasks
from fluid.worker.supervision import ChildInfo
from tests.worker.supervision.model import Decision

Kind: TypeAlias = tuple[str, bool, bool]
"""When it is restarted, whether it is given as a function, whether it starts without a hook."""


class Broken(Exception):
    """What children raise."""


class Child(Worker):
    """Runs until it is told how to end."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.word: asyncio.Future[None] | None = None

    async def run(self) -> None:
        self.word = asyncio.get_running_loop().create_future()
        try:
            await self.wait_or_stop(self.word)
        finally:
            self.word.cancel()


class Starting(Child):
    """Fails to start while it is among the broken."""

    def __init__(self, name: str, broken: set[str]) -> None:
        super().__init__(name)
        self.broken = broken

    async def on_startup(self) -> None:
        await asyncio.sleep(0)
        if self.worker_name in self.broken:
            raise Broken(self.worker_name)


class Driven:
    """A supervisor whose loop runs only when it is told to, until nothing is left to do now."""

    app: Supervisor | None = None

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.made: dict[str, list[Child]] = {}
        self.factories: set[str] = set()
        self.decisions: list[Decision] = []
        self.requests: list[asyncio.Task[Any]] = []

    def child(self, kind: Kind, broken: set[str]) -> ChildSpec:
        restart, is_factory, is_plain = kind
        name = f"c{len(self.made)}"
        made = self.made[name] = []

        def make() -> Child:
            made.append(Child(name) if is_plain else Starting(name, broken))
            return made[-1]

        if is_factory:
            self.factories.add(name)
        return ChildSpec(make if is_factory else make(), id=name, restart=restart)

    def start(self, *children: ChildSpec, **options: Any) -> Supervisor:
        app = self.app = Supervisor(*children, name="app", **options)
        app.subscribe(self.hear)
        self.do(app.startup()).result()
        return app

    def hear(self, event: WorkerEvent) -> None:
        if isinstance(event, RestartScheduled):
            end = event.end
            id_ = end.path.rpartition("/")[2]
            made = Decision(id_, end.attempt, end.uptime, event.delay, event.left)
            self.decisions.append(made)

    def pass_time(self, seconds: float) -> None:
        self.loop.call_later(seconds, self.loop.stop)
        self.loop.run_forever()
        self.settle()

    def do(self, request: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Makes a request and lets all follow that takes no time."""
        task = self.loop.create_task(request)
        self.settle()
        return task

    def settle(self) -> None:
        while self.loop.has_ready() or self.has_due_timers():
            self.loop.stop()  # after one pass, so that time stands still
            self.loop.run_forever()

    def has_due_timers(self) -> bool:
        return any(timer.when() <= self.loop.time() for timer in self.loop.live_timers())

    def request(self, request: Coroutine[Any, Any, Any]) -> int:
        """Makes a request that may take time; returns its number."""
        self.requests.append(self.do(request))
        return len(self.requests) - 1

    def answers(self) -> dict[int, str]:
        """Returns, by number, how those requests ended that have."""
        return {
            number: "up" if task.exception() is None else "not up"
            for number, task in enumerate(self.requests)
            if task.done()
        }

    def close(self) -> None:
        """Stops it, and asserts that nothing is left; it may never have been started."""
        try:
            if self.app is not None:
                self._assert_it_ends(self.app)
        finally:
            self.loop.close()

    def _assert_it_ends(self, app: Supervisor) -> None:
        app.gracefully_stop()
        self.settle()
        assert app.is_stopped()
        assert len(self.answers()) == len(self.requests)
        assert not pending_tasks(self.loop)
        assert not self.loop.live_timers()
        assert not self.loop.unhandled


def facts_of(info: ChildInfo, now: float) -> tuple[Any, ...]:
    """Returns what a supervisor says of a child: who it is, its state, restarts, the next one."""
    due = None if info.restart_in is None else now + info.restart_in
    return info.id, info.state.value, info.restarts, due
