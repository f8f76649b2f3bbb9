"""``--reload``: a child process, stopped and started anew when code changes."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import fluid.testing
from fluid.cli import reload
from fluid.cli.refusal import Refusal
from fluid.cli.reload import RESERVE, reloader
from fluid.cli.runner import FORCED_PERIOD, KILL_AFTER, KILL_PERIOD, as_exit_code
from fluid.runtime.deadline import Deadline
from fluid.testing import Simulation
from tests.cli.reload_cast import DEADLINE, World
from tests.exploring import explored
from tests.worker.group_cast import end_of

Lines = Callable[[], list[str]]

KILLED = DEADLINE + KILL_AFTER
"""Seconds from the request until a child that does not hear it is killed."""


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """Returns what the reloader has logged by now."""
    caplog.set_level(logging.INFO, logger="fluid.reload")
    return lambda: [each.getMessage() for each in caplog.records if each.name == "fluid.reload"]


# --- changes -------------------------------------------------------------------------------------


async def test_the_command_runs_until_a_change_and_then_anew():
    world = World()
    async with world.worker:
        await asyncio.sleep(10)
        assert world.told == ["start"]
        world.change()
        await asyncio.sleep(10)
        assert world.told == ["start", "ask", "end 0", "start"]
    assert world.told == ["start", "ask", "end 0", "start", "ask", "end 0"]


async def test_changes_during_the_stop_are_part_of_the_same_restart():
    world = World(stops_in=5.0)
    async with world.worker:
        for _ in range(4):
            world.change()
            await asyncio.sleep(1)
        await asyncio.sleep(10)
        assert world.told == ["start", "ask", "end 0", "start"]


async def test_a_child_that_has_ended_by_itself_comes_back_with_the_next_change(lines: Lines):
    world = World()
    async with world.worker:
        await asyncio.sleep(1)
        world.children[0].ends(3)
        await asyncio.sleep(3600)
        assert world.told == ["start", "end 3"]
        world.change("app.py")
        await asyncio.sleep(1)
        assert world.told == ["start", "end 3", "start"]
    assert lines()[1:] == [
        "the process has ended with exit code 3; waiting for a change",
        "app.py changed; starting anew",
    ]


async def test_it_says_what_has_changed_and_no_name_can_forge_a_line(lines: Lines):
    """A13"""
    world = World()
    async with world.worker:
        for names in (["b.py", "a.py"], [f"{number}.py" for number in range(9)], ["x\n.py"]):
            world.change(*names)
            await asyncio.sleep(5)
    assert lines() == [
        "watching src for changes of Python files",
        "a.py, b.py changed; starting anew",
        "0.py, 1.py, 2.py and 6 more changed; starting anew",
        "x\\n.py changed; starting anew",
    ]


async def test_a_child_that_is_deaf_is_killed_a_second_after_its_deadline(lines: Lines):
    world = World(stops_in=9999.0)
    async with world.worker:
        await asyncio.sleep(1)
        world.change()
        await asyncio.sleep(KILLED + 1)
        assert world.diary[1:] == [
            (1.0, "ask"),
            (1.0 + KILLED, "kill"),
            (1.0 + KILLED, "end 0"),
            (1.0 + KILLED, "start"),
        ]
        world.children[-1].stops_in = 0.0
    assert "the process did not stop within its deadline and is killed" in lines()


# --- our own stop --------------------------------------------------------------------------------


async def test_a_stop_asks_the_child_and_waits_for_it():
    world = World(stops_in=20.0)
    await world.worker.startup()
    await asyncio.sleep(1)
    await world.worker.shutdown()
    assert world.diary == [(0.0, "start"), (1.0, "ask"), (21.0, "end 0")]


async def test_a_stop_during_a_restart_does_not_ask_twice():
    world = World(stops_in=5.0)
    await world.worker.startup()
    world.change()
    await asyncio.sleep(1)
    await world.worker.shutdown()
    assert world.told == ["start", "ask", "end 0"]


async def test_a_forced_stop_is_passed_on():
    world = World(stops_in=20.0)
    await world.worker.startup()
    await asyncio.sleep(1)
    world.worker.gracefully_stop()
    await asyncio.sleep(0.1)  # a second SIGTERM would be the same request to the child
    world.worker._worker.force()
    await end_of(world.worker.wait_for_shutdown())
    assert world.diary[1:] == [(1.0, "ask"), (1.1, "force"), (1.6, "end 0")]


@pytest.mark.parametrize(
    ("forced_at", "killed_at"), [(0.1, 0.1 + FORCED_PERIOD), (KILLED - 2.0, KILLED)]
)
async def test_a_child_that_is_deaf_to_force_is_killed(forced_at: float, killed_at: float):
    world = World(stops_in=9999.0, forced_in=9999.0)
    await world.worker.startup()
    world.worker.gracefully_stop()
    await asyncio.sleep(forced_at)
    world.worker._worker.force()
    await end_of(world.worker.wait_for_shutdown())
    assert world.told == ["start", "ask", "force", "kill", "end 0"]
    assert world.diary[-1][0] == pytest.approx(killed_at)


async def test_a_child_that_was_left_alone_is_no_longer_heard_of():
    world = World(stops_in=9999.0)
    world.is_immortal = True
    async with world.worker:
        world.change()
        await asyncio.sleep(KILLED + KILL_PERIOD + 1)
        world.children[0].ends(3)
        await asyncio.sleep(1)
        world.children[1].stops_in = 0.5
    assert world.told == ["start", "ask", "kill", "start", "end 3", "ask", "end 0"]


async def test_a_child_that_the_system_holds_is_left_alone_in_the_end(lines: Lines):
    world = World(stops_in=9999.0, forced_in=9999.0)
    world.is_immortal = True
    await world.worker.startup()
    world.worker.gracefully_stop()
    await asyncio.sleep(KILLED + 0.5)
    assert world.worker.is_stopping()
    world.children[0].ends(0)
    await world.worker.wait_for_shutdown()
    assert world.told == ["start", "ask", "kill", "end 0"]


def test_a_stop_is_bounded_and_its_process_has_the_time_for_it():
    bound = World().worker.worker_stop_bound
    assert bound == pytest.approx(KILLED + KILL_PERIOD + 2.0 + FORCED_PERIOD + KILL_PERIOD)
    assert bound <= Deadline(DEADLINE + RESERVE).for_tree


@explored(swept=True)
async def test_whatever_comes_when_there_is_one_child_and_none_in_the_end(sim: Simulation):
    world = World(stops_in=2.0, forced_in=0.5)
    worker = world.worker
    sim.offer("stop", worker.gracefully_stop)
    sim.offer("force", worker._worker.force)
    sim.offer("change", world.change)
    sim.offer("child ends", lambda: world.children and world.children[-1].ends(0))
    async with asyncio.timeout(200):
        if await end_of(worker.startup()) is None:
            for _ in range(2):
                await asyncio.sleep(3)
                world.change()
        await end_of(worker.shutdown())
    sim.sometimes("a child was there", bool(world.children))
    assert world.running == 0


# --- the exit code -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "was_asked", "exit_code"),
    [
        (0, True, 0),
        (0, False, 0),
        (3, True, 3),
        (3, False, 3),
        (-signal.SIGTERM, True, 0),
        (-signal.SIGTERM, False, 143),
        (-signal.SIGINT, True, 130),
        (-signal.SIGKILL, True, 137),
        (-signal.SIGSEGV, False, 139),
    ],
)
def test_the_exit_code_is_that_of_a_shell(code: int, was_asked: bool, exit_code: int):
    assert as_exit_code(code, was_asked=was_asked) == exit_code


@pytest.mark.parametrize("by_itself", [True, False])
def test_the_process_exits_as_its_last_child(by_itself: bool):
    async def main() -> None:
        world = World(code=3)
        await world.worker.startup()
        await asyncio.sleep(1)
        if by_itself:
            world.children[-1].ends(3)
        await asyncio.sleep(5)
        await world.worker.shutdown()

    with pytest.raises(SystemExit) as end:
        fluid.testing.run(main)
    assert end.value.code == 3


# --- what is missing -----------------------------------------------------------------------------


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reload, "find_spec", lambda name: None)
    with pytest.raises(Refusal) as caught:
        reloader([], [], DEADLINE)
    assert caught.value.message == (
        '--reload needs a package; install it:  pip install "fluid-workers[reload]"'
    )


def test_a_path_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(Refusal) as caught:
        reloader([], [tmp_path, tmp_path / "src"], DEADLINE)
    message = f"--reload-path {tmp_path}/src: there is no such file or folder"
    assert caught.value.message == message


# --- two processes, one terminal -----------------------------------------------------------------


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_what_happens_is_told_by_the_child_unless_somebody_debugs(tmp_path: Path, level: str):
    names = ["", "fluid.worker", "fluid.runtime", "watchfiles"]
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    try:
        loggers[0].setLevel(level)
        reloader(["command"], [tmp_path], DEADLINE)
        assert [logger.isEnabledFor(logging.WARNING) for logger in loggers[1:3]] == (
            [level == "DEBUG"] * 2
        )
        assert not loggers[3].isEnabledFor(logging.INFO)
        assert logging.getLogger("fluid.reload").isEnabledFor(logging.INFO)
    finally:
        for logger, number in zip(loggers, before, strict=True):
            logger.setLevel(number)
