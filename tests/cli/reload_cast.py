"""Files that change when a test says so, and processes that are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from fluid import Worker
from fluid.cli.reload import assembled

DEADLINE = 25.0


class FakeChild:
    """A process that ends some time after it was asked to, and writes down what it gets."""

    def __init__(self, world: World, *, stops_in: float, forced_in: float, code: int) -> None:
        self.world: World = world
        self.stops_in: float = stops_in
        self.forced_in: float = forced_in
        self.code: int = code
        self.end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def ask(self) -> None:
        self.world.note("ask")
        self.ends_in(self.stops_in, self.code)

    def force(self) -> None:
        self.world.note("force")
        self.ends_in(self.forced_in, self.code)

    def kill(self) -> None:
        self.world.note("kill")
        if not self.world.is_immortal:
            self.ends(self.world.killed)

    def ends_in(self, seconds: float, code: int) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self.ends, code)
        self.end.add_done_callback(lambda _: timer.cancel())

    def ends(self, code: int) -> None:
        if not self.end.done():
            self.world.note(f"end {code}")
            self.world.running -= 1
            self.end.set_result(code)

    async def wait(self) -> int:
        return await self.end


class World:
    """Files that change when a test says so, and processes that are none."""

    is_immortal: bool = False
    """Whether its processes cannot even be killed."""
    killed: int = 0
    """What is known of the end of one that was killed; else the test would end as one that was."""

    def __init__(self, *, stops_in: float = 1.0, forced_in: float = 0.5, code: int = 0) -> None:
        self.options = {"stops_in": stops_in, "forced_in": forced_in, "code": code}
        self.diary: list[tuple[float, str]] = []
        self.running: int = 0
        self.children: list[FakeChild] = []
        self.changes: asyncio.Queue[set[str]] = asyncio.Queue()
        self.worker: Worker = assembled(
            ["command"], [Path("src")], DEADLINE, watch=self.watch, start=self.start
        )

    def note(self, what: str) -> None:
        self.diary.append((round(asyncio.get_running_loop().time(), 2), what))

    @property
    def told(self) -> list[str]:
        """What has happened, without the times."""
        return [what for _, what in self.diary]

    async def start(self, command: Sequence[str]) -> FakeChild:
        await asyncio.sleep(0)
        self.note("start")
        self.running += 1
        assert self.running == 1 or self.is_immortal, "two children at once"
        self.children.append(FakeChild(self, **self.options))
        return self.children[-1]

    async def watch(self, paths: Sequence[Path]) -> AsyncGenerator[set[str], None]:
        while True:
            yield await self.changes.get()

    def change(self, *names: str) -> None:
        self.changes.put_nowait(set(names or ["app.py"]))
