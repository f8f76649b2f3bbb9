"""Bugs in how things start and stop: what people write with plain asyncio, and how they mend it."""

from __future__ import annotations

import asyncio
from typing import Any

# A child is started while the group stops, and nobody ever ends it.


class HastyGroup:
    def __init__(self) -> None:
        self.children, self.is_stopping = list[asyncio.Task[Any]](), False

    async def start_child(self) -> None:
        if not self.is_stopping:
            await asyncio.sleep(1)  # it asks for the child's settings
            self.children.append(asyncio.create_task(asyncio.sleep(3600), name="child"))

    async def stop(self) -> None:
        self.is_stopping = True
        for child in self.children:
            child.cancel()
        if self.children:
            await asyncio.wait(self.children)


class PatientGroup(HastyGroup):
    async def start_child(self) -> None:
        await asyncio.sleep(1)
        if not self.is_stopping:
            self.children.append(asyncio.create_task(asyncio.sleep(3600), name="child"))


async def nothing_lives_when_all_has_stopped(kind: type[HastyGroup]) -> None:
    group = kind()

    async def stop_after_a_second() -> None:
        await asyncio.sleep(1)
        await group.stop()

    await asyncio.gather(group.start_child(), stop_after_a_second())


# Two notice that a worker is down, and both start it.


class TwiceStarted:
    def __init__(self) -> None:
        self.running = 0

    async def ensure_running(self) -> None:
        if not self.running:
            await asyncio.sleep(0)  # it connects
            self.running += 1


class OnceStarted(TwiceStarted):
    def __init__(self) -> None:
        super().__init__()
        self.lock = asyncio.Lock()

    async def ensure_running(self) -> None:
        async with self.lock:
            await super().ensure_running()


async def at_most_one_is_running(kind: type[TwiceStarted]) -> None:
    worker = kind()

    async def watchdog() -> None:
        await asyncio.sleep(1)
        await worker.ensure_running()

    await asyncio.gather(watchdog(), watchdog())
    assert worker.running == 1, f"{worker.running} are running"


# A service says that it is ready before it has said that it has started.


class EagerService:
    def __init__(self) -> None:
        self.said = list[str]()
        self.has_started = asyncio.Event()

    async def start(self) -> None:
        task = asyncio.create_task(self.run())
        await asyncio.sleep(0)
        self.said.append("started")
        self.has_started.set()
        await task

    async def run(self) -> None:
        await asyncio.sleep(0)
        self.said.append("ready")


class ModestService(EagerService):
    async def run(self) -> None:
        await self.has_started.wait()
        self.said.append("ready")


async def started_comes_first(kind: type[EagerService]) -> None:
    service = kind()
    await service.start()
    assert service.said == ["started", "ready"], service.said


# A restart that was put off comes after the stop.


class Undead:
    def __init__(self) -> None:
        self.running = True
        self.restart: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self.running = True

    def crash(self) -> None:
        self.running = False
        self.restart = asyncio.get_running_loop().call_later(1, self.start)

    def stop(self) -> None:
        self.running = False


class Dead(Undead):
    def stop(self) -> None:
        super().stop()
        if self.restart is not None:
            self.restart.cancel()


async def what_was_stopped_stays_so(kind: type[Undead]) -> None:
    worker = kind()
    worker.crash()
    await asyncio.sleep(0.5)
    worker.stop()
    await asyncio.sleep(1)
    assert not worker.running, "it runs after its stop"
