"""What a request for a child that is not there is told."""

from __future__ import annotations

import asyncio

import pytest

from fluid import ChildNotFound, Supervisor, Worker


class Part(Worker):
    """Takes two seconds to stop."""

    async def run(self) -> None:
        while await self.sleep(60):
            pass

    async def on_shutdown(self) -> None:
        await asyncio.sleep(2)


async def test_child_that_is_being_removed_is_not_listed_among_those_that_are_there():
    async with Supervisor(Part(name="stays"), Part(name="goes"), name="app") as app:
        removal = asyncio.ensure_future(app.remove_child("goes"))
        await asyncio.sleep(1)
        with pytest.raises(ChildNotFound, match=r"has no child 'goes'; it has stays$"):
            await app.restart_child("goes")
        await removal


async def test_supervisor_without_children_says_so():
    async with Supervisor(name="app") as app:
        with pytest.raises(ChildNotFound, match=r"'app' has no child 'db'; it has none$"):
            await app.stop_child("db")
