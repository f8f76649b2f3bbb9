"""A failing schedule is made small: what remains is what the failure needs, and it fails alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fluid.testing import ExplorationError, Policy, Run, Schedule, Simulation, Strike, explore
from fluid.testing.schedules.choosers import Choice
from fluid.testing.schedules.shrink import same_failure, shrink
from tests.testing.watching import watched

Deviations = tuple[tuple[int, int], ...]


def failed(*deviations: tuple[int, int], strikes: tuple[Strike, ...] = ()) -> Run:
    """Returns a failing run with these deviations, among many choices."""
    taken = dict(deviations)
    choices = tuple(Choice(n, "next", 4, taken.get(n, 0), step=n) for n in range(200))
    schedule = Schedule(Policy.SOURCE, 7, strikes=strikes)
    return Run(schedule, ValueError("wrong"), 0.0, choices=choices)


def shrunk(run: Run, fails: Callable[[Schedule], bool], **options: int) -> tuple[Schedule, int]:
    """Shrinks a run that fails whenever ``fails`` says so; returns how many runs that took."""
    runs: list[Schedule] = []

    def attempt(schedule: Schedule) -> Run:
        runs.append(schedule)
        return Run(schedule, run.error if fails(schedule) else None, 0.0)

    return shrink(run, attempt, **options), len(runs)


def needs(*needed: tuple[int, int]) -> Callable[[Schedule], bool]:
    return lambda schedule: set(needed) <= set(schedule.choices or ())


MANY = tuple((number, 1 + number % 3) for number in range(0, 200, 2))


# What remains


@pytest.mark.parametrize("needed", [(0,), (98,), (198,), (10, 12), (0, 100, 198), (20, 40, 60, 80)])
def test_only_the_deviations_that_the_failure_needs_remain(needed: tuple[int, ...]):
    wanted = tuple(pair for pair in MANY if pair[0] in needed)
    small, runs = shrunk(failed(*MANY), needs(*wanted))
    assert small == Schedule(Policy.SOURCE, 7, choices=wanted)
    assert runs < 120


def test_a_failure_that_needs_no_deviation_shrinks_to_the_plain_run():
    small, runs = shrunk(failed(*MANY), lambda _: True)
    assert small == Schedule(Policy.FIFO, 7)
    assert runs < 12


def test_one_of_two_that_would_do_remains():
    def fails(schedule: Schedule) -> bool:
        return bool({(10, 2), (50, 3)} & set(schedule.choices or ()))

    assert shrunk(failed(*MANY), fails)[0].choices in (((10, 2),), ((50, 3),))


def test_faults_that_the_failure_does_not_need_are_left_out():
    stop, gc = Strike("stop", 3), Strike("gc", 5)
    run = failed(*MANY, strikes=(stop, gc))
    assert shrunk(run, lambda schedule: stop in schedule.strikes)[0] == Schedule(
        seed=7, strikes=(stop,)
    )
    assert shrunk(run, needs((4, 2)))[0] == Schedule(Policy.SOURCE, 7, choices=((4, 2),))


def test_deviations_that_only_an_unneeded_fault_needed_go_with_it():
    stop = Strike("stop", 3)

    def fails(schedule: Schedule) -> bool:
        return not schedule.strikes or needs((4, 2), (6, 1))(schedule)

    small, _ = shrunk(failed(*MANY, strikes=(stop,)), fails)
    assert small == Schedule(seed=7)


def test_what_does_not_fail_again_by_its_choices_is_left_as_it_was():
    run = failed(*MANY)
    assert shrunk(run, lambda _: False) == (run.schedule, 1)


@pytest.mark.parametrize("limit", [1, 5, 20])
def test_no_more_runs_are_made_than_allowed_and_the_result_fails(limit: int):
    needed = needs(*MANY[::7])
    small, runs = shrunk(failed(*MANY), needed, max_runs=limit)
    assert runs <= limit + 1
    assert needed(small)


def test_a_schedule_keeps_its_seed_and_its_eager_tasks():
    run = failed((4, 1))
    run = Run(Schedule(Policy.RANDOM, 3, eager=True), run.error, 0.0, choices=run.choices)
    assert shrunk(run, needs((4, 1)))[0] == Schedule(Policy.RANDOM, 3, ((4, 1),), eager=True)


# The same failure


@pytest.mark.parametrize(
    ("error", "other", "same"),
    [
        (None, None, True),
        (ValueError("a"), None, False),
        (ValueError("a"), ValueError("a"), True),
        (ValueError("a"), KeyError("a"), False),
        (ValueError("a"), ValueError("b"), False),
        (ValueError("7 of 12 lost"), ValueError("300 of 4 lost"), True),
        (ValueError("<X at 0x7f3a2b> lost"), ValueError("<X at 0xbead> lost"), True),
        (ValueError("x" * 60 + "a"), ValueError("x" * 60 + "b"), True),
        (ValueError("x" * 59 + "a"), ValueError("x" * 59 + "b"), False),
    ],
)
def test_failures_are_the_same_that_begin_alike_numbers_apart(
    error: BaseException | None, other: BaseException | None, same: bool
):
    assert same_failure(error, other) is same


def test_a_smaller_schedule_with_another_failure_is_not_taken():
    run = failed(*MANY)

    def attempt(schedule: Schedule) -> Run:
        error = run.error if needs((20, 3))(schedule) else KeyError("another")
        return Run(schedule, error, 0.0)

    assert shrink(run, attempt).choices == ((20, 3),)


# For real


async def race(sim: Simulation) -> None:
    """Fails if the second of two sleepers is done before the first, or both before a third."""
    done: list[str] = []

    async def sleeper(name: str) -> None:
        await asyncio.sleep(1)
        done.append(name)

    async def noise() -> None:
        for _ in range(20):
            await asyncio.sleep(0.01)

    await asyncio.gather(sleeper("a"), sleeper("b"), *(noise() for _ in range(5)))
    assert done == ["a", "b"]


@pytest.mark.parametrize("policy", [Policy.LEGAL, Policy.SOURCE, Policy.RANDOM])
def test_a_race_of_two_shrinks_to_one_deviation(policy: Policy):
    with pytest.raises(ExplorationError) as caught:
        explore(race, policies=[policy])
    found, small = caught.value.schedule, caught.value.shrunk
    assert len(watched(race, str(found)).deviations) > 20
    assert small.choices is not None
    assert len(small.choices) == 1
    assert same_failure(watched(race, str(small)).error, caught.value.__cause__)


def test_a_failure_by_a_fault_shrinks_to_the_fault():
    async def scenario(sim: Simulation) -> None:
        task = asyncio.ensure_future(asyncio.sleep(1))
        sim.offer("cancel the sleeper", task.cancel)
        await asyncio.gather(task, asyncio.to_thread(int))

    with pytest.raises(ExplorationError) as caught:
        explore(scenario, faults=["cancel the sleeper", "gc"])
    assert caught.value.shrunk.choices is None
    assert [strike.fault for strike in caught.value.shrunk.strikes] == ["cancel the sleeper"]
