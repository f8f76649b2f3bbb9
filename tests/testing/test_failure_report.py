"""What a failing exploration says, to the letter, and what it can be asked."""

from __future__ import annotations

import asyncio

import pytest

from fluid.testing import (
    DeadlockError,
    ExplorationError,
    Policy,
    Schedule,
    Simulation,
    Strike,
    exhaust,
    explore,
    replay,
    sweep,
)
from fluid.testing.schedules.report import LAST_STEPS
from tests.testing.watching import watched


async def two_sleepers() -> None:
    """Takes the order of two timers of one instant for granted."""
    done: list[str] = []

    async def sleeper(name: str) -> None:
        await asyncio.sleep(1)
        done.append(name)

    await asyncio.gather(sleeper("a"), sleeper("b"))
    if done != ["a", "b"]:
        raise ValueError(f"done in the wrong order: {done}")


def failure_of(scenario, verb=explore, **options) -> ExplorationError:
    with pytest.raises(ExplorationError) as caught:
        verb(scenario, **options)
    return caught.value


GOLDEN = """\
two_sleepers fails in schedule legal:1, the 2nd that was tried
  ValueError: done in the wrong order: ['b', 'a']
it is the plain FIFO order, except for
  before step 3: the next of the timers due at once is the 2nd of 2
to see it again:
  replay(scenario, 'legal:1[1=1]')   or   pytest --fluid-replay 'legal:1[1=1]'
  the schedule as it was found: 'legal:1'
seed=1 policy=legal steps=10 seconds=1.001 digest={digest}
the last of its 10 steps:
  step 0 at 0 s: a step of main
  step 1 at 0 s: a step of task-2 (scheduled by step 0)
  step 2 at 0 s: a step of task-3 (scheduled by step 0)
  step 3 at 1 s: _set_result_unless_cancelled, for task-3
  step 4 at 1 s: _set_result_unless_cancelled, for task-2
  step 5 at 1 s: a step of task-3 (scheduled by step 3)
  step 6 at 1 s: a step of task-2 (scheduled by step 4)
  step 7 at 1 s: gather.<locals>._done_callback (scheduled by step 5)
  step 8 at 1 s: gather.<locals>._done_callback (scheduled by step 6)
  step 9 at 1 s: a step of main (scheduled by step 8)"""


def test_a_report_in_full():
    error = failure_of(two_sleepers, policies=[Policy.LEGAL])
    assert str(error) == GOLDEN.format(digest=watched(two_sleepers, "legal:1").digest)


def test_a_failure_knows_its_schedules_its_run_and_its_cause():
    error = failure_of(two_sleepers, policies=[Policy.LEGAL])
    assert error.schedule == Schedule(Policy.LEGAL, 1)
    assert error.shrunk == error.run.schedule
    assert error.run.error is not error.__cause__
    assert isinstance(error.run.error, ValueError)
    assert isinstance(error.__cause__, ValueError)
    assert len(error.run.last) == error.run.steps


def test_a_failure_of_the_plain_run_says_so():
    async def scenario() -> None:
        raise ValueError("always")

    lines = str(failure_of(scenario)).splitlines()
    assert lines[1:3] == ["  ValueError: always", "it fails in the plain FIFO order"]
    assert "  replay(scenario, 'fifo')   or   pytest --fluid-replay 'fifo'" in lines


def test_the_number_of_the_schedule_is_told():
    async def scenario(sim: Simulation) -> None:
        assert sim.seed < 12

    assert ", the 13th that was tried" in str(failure_of(scenario))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "1st"), (1, "2nd"), (2, "3rd"), (3, "4th"), (10, "11th"), (20, "21st"), (111, "112th")],
)
def test_numbers_are_told_in_english(number: int, text: str):
    async def scenario(sim: Simulation) -> None:
        assert sim.seed != number

    assert f", the {text} that was tried" in str(failure_of(scenario))


def test_faults_are_told_and_those_that_missed():
    async def scenario(sim: Simulation) -> None:
        task = asyncio.ensure_future(asyncio.sleep(1))
        sim.offer("cancel the sleeper", task.cancel)
        await task

    error = failure_of(scenario, verb=sweep)
    assert error.shrunk.strikes == (Strike("cancel the sleeper", 1),)
    assert "  before step 1: the fault 'cancel the sleeper' strikes" in str(error).splitlines()
    error = failure_of(scenario, verb=replay, schedule="fifo+cancel the sleeper@1+late@2")
    assert "  before step 2: the fault 'late' strikes (which was not on offer then)" in str(error)


def test_a_deadlock_is_told_with_the_tasks_and_where_they_wait():
    async def scenario() -> None:
        await asyncio.Event().wait()

    error = failure_of(scenario)
    assert isinstance(error.__cause__, DeadlockError)
    assert "  main waits at" in str(error)
    assert "in Event.wait" in str(error)


def test_notes_of_the_error_are_told():
    async def scenario() -> None:
        error = ValueError("always")
        error.add_note("look\nhere")
        raise error

    assert "  ValueError: always\n  look\n  here\n" in str(failure_of(scenario))


def test_only_the_last_steps_are_shown_and_the_run_has_all():
    async def scenario() -> None:
        for _ in range(99):
            await asyncio.sleep(0)
        raise ValueError("at last")

    error = failure_of(scenario)
    shown = str(error).partition("the last of its 100 steps:\n")[2].splitlines()
    assert len(shown) == LAST_STEPS
    assert shown[-1].startswith("  step 99 at 0 s: a step of main")
    assert len(error.run.last) == 100


def test_every_kind_of_choice_is_told_in_words():
    told: set[str] = set()

    async def scenario(sim: Simulation) -> None:
        async def sleeper(delay: float) -> None:
            await asyncio.sleep(delay)
            for _ in range(3):
                await asyncio.sleep(0)

        await asyncio.gather(
            *(sleeper(delay) for delay in (1, 1, 1, 1.01, 1.02)), asyncio.to_thread(int)
        )
        raise ValueError(sim.schedule)

    for policy in ("legal", "source"):
        for seed in range(20):
            error = failure_of(scenario, verb=replay, schedule=f"{policy}:{seed}")
            told.update(line.partition(": ")[2] for line in str(error).splitlines() if ": " in line)
    expected = {
        "the timer is 1 ms late",
        "the timer is 20 ms late",
        "what comes from outside is 20 ms late",
        "the next of the timers due at once is the 2nd of 3",
        "what is ready takes until the next timer is due",
        "a step of task-2 (the 3rd of 3 that are ready)",
    }
    assert expected <= told, expected - told


# Replays


def test_the_line_that_a_report_prints_fails_again_in_the_same_way():
    error = failure_of(two_sleepers)
    for schedule in (error.schedule, error.shrunk, str(error.schedule), str(error.shrunk)):
        again = failure_of(two_sleepers, verb=replay, schedule=schedule)
        assert str(again.__cause__) == str(error.__cause__)
        assert again.schedule == again.shrunk


def test_a_replay_that_passes_returns_the_run_with_every_step():
    run = replay(two_sleepers, "fifo")
    assert run.error is None
    assert len(run.last) == run.steps > 0
    assert run.digest == replay(two_sleepers, Schedule()).digest


def test_a_replay_has_the_digest_of_the_report():
    error = failure_of(two_sleepers)
    again = failure_of(two_sleepers, verb=replay, schedule=error.schedule)
    assert f"digest={again.run.digest}" in str(error)


def test_an_exhausted_scenario_is_reported_alike():
    error = failure_of(two_sleepers, verb=exhaust)
    assert error.shrunk.choices is not None
    assert len(error.shrunk.choices) == 1
