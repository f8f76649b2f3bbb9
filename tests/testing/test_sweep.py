"""One schedule for each fault and each step."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

import pytest

from fluid.errors import FluidValueError
from fluid.testing import ExplorationError, Schedule, Simulation, Strike, replay, sweep
from fluid.testing.schedules.overrides import overridden

EAGER_TASKS = sys.version_info >= (3, 12)


class Swept:
    """A scenario of four steps that offers two faults, the second from its third step on."""

    def __init__(self) -> None:
        self.schedules: list[Schedule] = []

    async def scenario(self, sim: Simulation) -> None:
        if sim.schedule not in self.schedules[-1:]:
            self.schedules.append(sim.schedule)
        sim.offer("x", int)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        sim.offer("y", int)
        await asyncio.sleep(0)


@pytest.fixture
def swept() -> Swept:
    return Swept()


def test_each_fault_that_is_offered_strikes_at_each_step_after_a_plain_run(swept: Swept):
    tally = sweep(swept.scenario)
    assert swept.schedules == [
        Schedule(),
        *(Schedule(strikes=(Strike(name, step),)) for step in range(4) for name in "xy"),
    ]
    assert tally.schedules == 9


def test_strikes_that_miss_are_not_counted(swept: Swept):
    assert sweep(swept.scenario).faults == {"x": 3, "y": 1}


def test_faults_can_be_named_and_built_in(swept: Swept):
    assert sweep(swept.scenario, faults=["y", "gc"]).faults == {"y": 1, "gc": 4}


def test_without_faults_there_is_nothing_to_sweep_with():
    async def scenario() -> None:
        pass

    with pytest.raises(FluidValueError) as caught:
        sweep(scenario)
    assert str(caught.value).partition(" cannot")[2] == (
        " be swept: it offers no faults. Offer some, as in "
        "sim.offer('stop', worker.gracefully_stop), or name built-in ones."
    )


def test_a_fault_that_is_not_offered_is_refused(swept: Swept):
    with pytest.raises(FluidValueError, match="fault 'z' is not one that Swept.scenario offers: x"):
        sweep(swept.scenario, faults=["z"])


def test_pairs_strike_twice_at_random_steps(swept: Swept):
    tally = sweep(swept.scenario, pairs=100)
    pairs = [schedule for schedule in swept.schedules if len(schedule.strikes) == 2]
    assert tally.schedules == 9 + 100
    assert len(pairs) == 100
    first = Counter((pair.strikes[0].fault, pair.strikes[0].step) for pair in pairs)
    assert set(first) == {(name, step) for name in "xy" for step in range(4)}
    apart = {other.step - one.step for one, other in (pair.strikes for pair in pairs)}
    assert apart == {1, 2, 3, 4}


@pytest.mark.skipif(not EAGER_TASKS, reason="needs Python 3.12")
def test_eager_tasks_are_swept_too(swept: Swept):
    assert sweep(swept.scenario, eager="both").schedules == 1 + 2 * 8
    assert [schedule.eager for schedule in swept.schedules[1:]] == [False, True] * 8


def test_a_fault_that_breaks_something_at_one_step_only_is_found_there():
    async def scenario(sim: Simulation) -> None:
        busy = False

        def stop() -> None:
            assert not busy, "stopped in the middle"

        sim.offer("stop", stop)
        await asyncio.sleep(1)
        busy = True
        await asyncio.sleep(0)
        busy = False
        await asyncio.sleep(1)

    with pytest.raises(ExplorationError, match="stopped in the middle") as caught:
        sweep(scenario)
    assert str(caught.value.shrunk) == "fifo+stop@3"
    with pytest.raises(ExplorationError, match="stopped in the middle"):
        replay(scenario, "fifo+stop@3")
    assert replay(scenario, "fifo+stop@2").fired == ("stop",)


# The command line


def test_rounds_after_the_first_do_not_sweep_again_but_pair_with_new_seeds(swept: Swept):
    with overridden(seeds=range(100, 103)):
        assert sweep(swept.scenario).schedules == 1
        assert sweep(swept.scenario, pairs=10).schedules == 1 + 3
    assert {schedule.seed for schedule in swept.schedules} == {0, 100, 101, 102}


def test_a_schedule_of_the_command_line_is_all_that_runs(swept: Swept):
    with overridden(schedule=Schedule.parse("fifo+x@1")):
        assert sweep(swept.scenario).faults == {"x": 1}
    assert swept.schedules == [Schedule(strikes=(Strike("x", 1),))]
