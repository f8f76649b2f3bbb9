"""Requests that meet a restart which others wait for too."""

from __future__ import annotations

import asyncio

from fluid import Backoff, ChildSpec, Supervisor, Worker, WorkerStartError
from tests.worker.fakes import Recorded
from tests.worker.group_cast import Idle, end_of
from tests.worker.supervision.driven import Broken, Child

STEADY = Backoff(initial=10, factor=1, jitter=0)


def app_of(*children: Worker | ChildSpec, **options) -> Supervisor:
    return Supervisor(*children, name="app", backoff=STEADY, **{"period": 100, **options})


def states_of(app: Supervisor) -> dict[str, str]:
    return {info.id: info.state.value for info in app.children()}


def break_(child: Child) -> None:
    assert child.word is not None
    child.word.set_exception(Broken(child.worker_name))


async def test_a_child_that_is_stopped_before_its_first_turn_was_never_added() -> None:
    """Whoever awaits add_child() is told that it was not, and may add it again."""
    first = Child("first")
    async with app_of(first, strategy="one_for_all") as app:
        break_(first)
        await asyncio.sleep(1)
        adding = asyncio.ensure_future(app.add_child(Idle(name="late")))
        await asyncio.sleep(1)
        assert states_of(app) == {"first": "restarting", "late": "waiting"}

        await app.stop_child("late")
        assert isinstance(await end_of(adding), WorkerStartError)
        assert states_of(app) == {"first": "restarting"}

        await app.add_child(Idle(name="late"))
        assert states_of(app) == {"first": "running", "late": "running"}


class Unlucky(Child):
    """Fails to start the second time."""

    starts = 0

    async def on_startup(self) -> None:
        self.starts += 1
        if self.starts == 2:
            raise Broken(self.worker_name)


async def test_a_stopped_child_that_comes_up_with_others_is_restarting_while_they_are() -> None:
    first = Unlucky("first")
    async with app_of(first, Idle(name="second"), strategy="one_for_all") as app:
        await app.stop_child("second")
        break_(first)
        await asyncio.sleep(1)
        restarting = asyncio.ensure_future(app.restart_child("second"))  # the first fails again
        await asyncio.sleep(1)
        assert states_of(app) == {"first": "restarting", "second": "restarting"}
        assert [info.restart_in for info in app.children()] == [9, 9]
        await restarting
        assert states_of(app) == {"first": "running", "second": "running"}


async def test_a_temporary_child_that_is_restarted_by_hand_is_made_anew() -> None:
    async with app_of(ChildSpec(Recorded, id="once", restart="temporary")) as app:
        (before,) = app.children()
        after = await app.restart_child("once")
        assert after is not before.worker
        assert before.worker.is_stopped()
        assert after.is_running()
