"""The tasks of one life: how they end together, what is told of it, and what is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

import pytest

from fluid import WorkerState
from fluid.events import SecondaryError
from fluid.worker.crew import Crew
from tests.worker.fakes import Recorded, deaf, deaf_to, forever, now
from tests.worker.group_cast import end_of

Work = Callable[[Any], Coroutine[Any, Any, object]]


class Captain(Recorded):
    """Runs a crew, and nothing else."""

    def __init__(self, *works: Work, **options: Any) -> None:
        super().__init__(**{"name": "captain", **options})
        self.works = works
        self.crew: Crew | None = None
        self.left: list[asyncio.Task[Any]] = []
        self.told: list[tuple[str, float]] = []

    async def run(self) -> None:
        life = self._worker.life
        assert life is not None
        self.crew = crew = Crew(
            life,
            leave=self.left.append,
            on_cut=lambda: self.told.append(("cut", now())),
            on_end=lambda: self.told.append(("end", now())),
        )
        for number, work in enumerate(self.works):
            crew.spawn(self.safely(work, crew), f"hand {number}")
        await crew.ended()

    async def safely(self, work: Work, crew: Crew) -> None:
        """Does what a crew asks of each of its tasks: raises nothing but its own cancel."""
        try:
            await work(self)
        except BaseException as error:
            crew.note(error)


def after(seconds: float, error: BaseException | None = None) -> Work:
    async def work(_captain: Captain) -> None:
        await asyncio.sleep(seconds)
        if error is not None:
            raise error

    return work


async def ended(captain: Captain) -> BaseException | None:
    await captain.startup()
    return await end_of(captain.wait_for_shutdown())


# --- zero, one, many -----------------------------------------------------------------------------


async def test_a_crew_of_nobody_has_ended() -> None:
    captain = Captain()
    assert await ended(captain) is None
    assert (now(), captain.told) == (0, [])


@pytest.mark.parametrize("size", [1, 5])
async def test_a_crew_has_ended_when_the_last_of_it_has(size: int) -> None:
    captain = Captain(*(after(seconds) for seconds in range(1, size + 1)))
    await captain.startup()
    await asyncio.sleep(0.5)
    assert captain.crew is not None
    assert len(captain.crew) == size
    await captain.wait_for_shutdown()
    assert now() == size
    assert captain.told == [("end", seconds) for seconds in range(1, size + 1)]
    assert (len(captain.crew), captain.crew.has_failed, captain.crew.is_cut) == (0, False, False)


async def test_its_tasks_have_the_names_that_they_were_given() -> None:
    captain = Captain(forever, forever, stopping_grace_period=0)
    async with captain:
        await asyncio.sleep(0)
        names = {task.get_name() for task in asyncio.all_tasks()}
    assert {"hand 0", "hand 1"} <= names


# --- one that fails ------------------------------------------------------------------------------


async def test_the_first_that_fails_ends_the_others_and_its_error_is_raised() -> None:
    error = OSError()
    captain = Captain(forever, after(1, error), forever)
    assert await ended(captain) is error
    assert captain.told == [("end", 1), ("cut", 1), ("end", 1), ("end", 1)]
    assert captain.worker_exit.errors == ()  # type: ignore[union-attr]
    assert not captain.left


async def test_what_the_others_raise_on_top_of_that_is_in_the_record_and_told() -> None:
    error, other = OSError(), ValueError()

    async def clumsy(_captain: Captain) -> None:
        try:
            await asyncio.sleep(inf)
        finally:
            raise other

    captain = Captain(clumsy, after(1, error))
    assert await ended(captain) is error
    assert captain.worker_exit.errors == (other,)  # type: ignore[union-attr]
    told = [event for event in captain.events if isinstance(event, SecondaryError)]
    assert [(event.where, event.exception) for event in told] == [("run", other)]


async def test_an_error_without_anybody_else_is_raised_too() -> None:
    error = OSError()
    assert await ended(Captain(after(1, error))) is error


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_an_error_that_would_end_the_loop_ends_the_life_alone(error: BaseException) -> None:
    captain = Captain(forever, after(1, error))
    assert await ended(captain) is error
    assert now() == 1


async def test_a_task_that_somebody_else_cancels_has_failed() -> None:
    async def cancel_the_first(captain: Captain) -> None:
        await asyncio.sleep(1)
        next(task for task in asyncio.all_tasks() if task.get_name() == "hand 0").cancel("mine")
        await asyncio.sleep(inf)

    captain = Captain(forever, cancel_the_first)
    error = await ended(captain)
    assert isinstance(error, asyncio.CancelledError)
    assert error.args == ("mine",)
    assert captain.worker_state is WorkerState.FAILED


@pytest.mark.lazy_only("an eager task has no time before its first step")
async def test_a_task_that_is_cancelled_before_its_first_step_has_failed_too() -> None:
    class Hasty(Captain):
        async def run(self) -> None:
            asyncio.get_running_loop().call_soon(self.cancel_one)
            await super().run()

        def cancel_one(self) -> None:
            next(task for task in asyncio.all_tasks() if task.get_name() == "hand 0").cancel()

    error = await ended(Hasty(forever))
    assert isinstance(error, asyncio.CancelledError)


# --- those that refuse ---------------------------------------------------------------------------


@pytest.mark.parametrize(("cancels", "end"), [(0, 1), (1, 3), (2, 5)])
async def test_after_a_failure_the_others_are_cancelled_again_and_then_left_alone(
    cancels: int, end: float
) -> None:
    captain = Captain(deaf_to(cancels), after(1, OSError()))
    captain.cancel_period = 2
    assert isinstance(await ended(captain), OSError)
    assert now() == end
    assert len(captain.left) == (cancels == 2)
    await asyncio.sleep(4000)


async def test_who_was_left_alone_does_not_count_and_may_fail_unnoticed() -> None:
    async def stubborn(captain: Captain) -> None:
        await deaf(captain)
        raise ValueError

    captain = Captain(stubborn, after(1, OSError()))
    assert isinstance(await ended(captain), OSError)
    assert captain.crew is not None
    assert len(captain.crew) == 0
    (task,) = captain.left
    assert not task.done()
    await asyncio.sleep(4000)
    assert task.done()
    assert captain.worker_exit.errors == ()  # type: ignore[union-attr]


# --- a cancel of whoever waits for them ----------------------------------------------------------


async def test_a_forced_stop_cancels_all_and_has_deadlines_of_its_own() -> None:
    captain = Captain(forever, deaf_to(1), stopping_grace_period=3)
    await captain.startup()
    await captain.shutdown()
    assert now() == 3 + captain.cancel_period
    assert captain.worker_state is WorkerState.FORCE_STOPPED
    assert captain.told == [("cut", 3), ("end", 3), ("end", 4)]
    assert not captain.left


@pytest.mark.parametrize(("cancels", "end"), [(0, 1), (1, 2), (2, 3)])
async def test_a_foreign_cancel_is_passed_on_and_bounded_and_then_raised(
    cancels: int, end: float
) -> None:
    captain = Captain(forever, deaf_to(cancels))
    await captain.startup()
    await asyncio.sleep(1)
    next(task for task in asyncio.all_tasks() if task.get_name() == "captain").cancel()
    assert isinstance(await end_of(captain.wait_for_shutdown()), asyncio.CancelledError)
    assert now() == end
    assert len(captain.left) == (cancels == 2)
    assert captain.worker_state is WorkerState.FAILED
    await asyncio.sleep(4000)


async def test_an_error_goes_before_the_cancel_that_came_with_it() -> None:
    error = OSError()

    async def clumsy(_captain: Captain) -> None:
        try:
            await asyncio.sleep(inf)
        finally:
            raise error

    captain = Captain(clumsy, stopping_grace_period=0)
    await captain.startup()
    assert await end_of(captain.shutdown()) is error


async def test_nothing_of_a_crew_is_left_in_the_loop() -> None:
    captain = Captain(deaf_to(1), after(1, OSError()))
    assert isinstance(await ended(captain), OSError)
    await asyncio.sleep(0)
    assert not asyncio.get_running_loop().live_timers()  # type: ignore[attr-defined]
