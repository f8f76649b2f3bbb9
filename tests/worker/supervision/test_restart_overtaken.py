"""Who waits for a restart that something else has overtaken is told so."""

from __future__ import annotations

import asyncio

import pytest

from fluid import Supervisor, Worker, WorkerStartError
from tests.worker.group_cast import end_of


class Slow(Worker):
    """Takes two seconds to stop."""

    async def run(self) -> None:
        while await self.sleep(60):
            pass

    async def on_shutdown(self) -> None:
        await asyncio.sleep(2)


@pytest.mark.parametrize("verb", ["stop_child", "remove_child"])
async def test_restart_fails_if_a_request_to_stop_comes_before_the_old_incarnation_has_ended(verb):
    async with Supervisor(Slow, name="app") as app:
        restart = asyncio.ensure_future(end_of(app.restart_child("slow")))
        await asyncio.sleep(1)
        await getattr(app, verb)("slow")
        assert isinstance(error := await restart, WorkerStartError)
        assert str(error) == "worker app/slow did not start: it was stopped"


async def test_restart_fails_if_its_supervisor_stops_before_the_old_incarnation_has_ended():
    async with Supervisor(Slow, name="app") as app:
        restart = asyncio.ensure_future(end_of(app.restart_child("slow")))
        await asyncio.sleep(1)
    assert isinstance(await restart, WorkerStartError)
