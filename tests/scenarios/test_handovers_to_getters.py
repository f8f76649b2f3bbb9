"""From the mailbox into the hands of whoever awaits ``get_message()``, however many they are."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from math import inf

import pytest

from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Watch, faults_of
from tests.scenarios.message_cast import TAKES, Taking, all_ended, delivering
from tests.worker.group_cast import end_of

Get = Callable[[Taking], Awaitable[str | None]]


class Team(Taking):
    """Has two tasks that take messages, as long as neither fails."""

    def __init__(self, get: Get) -> None:
        super().__init__()
        self._get = get
        self.members: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        # A TaskGroup cancels its tasks in the order of a set, which no schedule decides.
        self.members = members = [asyncio.ensure_future(self._work()) for _ in range(2)]
        try:
            await asyncio.wait(members, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for member in members:
                member.cancel()
            await asyncio.wait(members)
        for member in members:
            if not member.cancelled():
                member.result()

    async def _work(self) -> None:
        while self.is_running() or self.queue_size():
            if (message := await self._get(self)) is not None:
                await self.books.handle(message)

    def cancel(self, number: int) -> None:
        """Cancels one of the tasks, if there is one."""
        for member in self.members[number : number + 1]:
            member.cancel()


async def by_wait_for(team: Taking) -> str | None:
    """Waits for a message as many do."""
    try:
        return await asyncio.wait_for(team.get_message(inf), 4 * TAKES)
    except TimeoutError:
        return None


async def by_wait_or_stop(team: Taking) -> str | None:
    """Waits for a message as nobody has to; while it drains, that would not wait at all."""
    if team.is_running():
        return await team.wait_or_stop(team.get_message(inf))
    return await team.get_message(0)


no_wait_for = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="wait_for() runs it in a task of its own, and loses cancels"
)
GETS = [
    pytest.param(lambda team: team.get_message(inf), id="patient"),
    pytest.param(lambda team: team.get_message(4 * TAKES), id="with a time limit"),
    pytest.param(by_wait_for, id="by wait_for", marks=no_wait_for),
    pytest.param(by_wait_or_stop, id="by wait_or_stop"),
]


@pytest.mark.parametrize("get", GETS)
@explored(faults="offered", swept=True, pairs=30)
async def test_a_message_that_meets_a_cancel_on_its_way_to_a_task_is_not_lost(
    sim: Simulation, get: Get
):
    team = Team(get)
    watch, books = Watch(team), team.books
    faults_of(sim, team)
    sim.offer("break the handler", books.break_)
    for number in range(2):
        sim.offer(f"cancel member {number}", lambda number=number: team.cancel(number))
    producers = delivering(sim, books, "ab", "c")
    await end_of(team.startup())
    await asyncio.sleep(10 * TAKES)
    if team.is_running():
        team.send("d")  # all of them wait
        books.accepted.append("d")
    await asyncio.sleep(10 * TAKES)
    is_manned = team.is_running() and not all(member.done() for member in team.members)
    assert not (is_manned and team.queue_size())
    await end_of(team.shutdown())
    await all_ended(producers)
    watch.assert_it_ended_well()
    assert {*books.settled, *books.left} == {*books.accepted}
    account = team.worker_mailbox.account()
    assert account.adds_up
    # Of a task that ended just before ``run`` was cut or raised, nobody can tell whether it was
    # done with its message. So that goes back or is dead, rather than be lost.
    assert account.handled <= len(books.handled)
    assert account.dead >= len(books.dead)
    sim.sometimes("somebody was cancelled", any(member.cancelled() for member in team.members))
