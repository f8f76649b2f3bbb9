"""``--reload``: a child process, stopped and started anew when code changes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

import fluid.testing
from fluid import Worker
from fluid.cli import reload
from fluid.cli.child import LIFELINE, end_with_parent, start
from fluid.cli.refusal import Refusal
from fluid.cli.reload import (
    FORCED_PERIOD,
    KILL_PERIOD,
    RESERVE,
    as_exit_code,
    assembled,
    reloader,
    watch,
)
from fluid.runtime.deadline import Deadline
from fluid.testing import Simulation
from tests.exploring import explored
from tests.worker.group_cast import end_of

DEADLINE = 25.0
KILLED = DEADLINE + reload.KILL_AFTER
"""Seconds from the request until a child that does not hear it is killed."""


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
        assert self.running == 1, "two children at once"
        self.children.append(FakeChild(self, **self.options))
        return self.children[-1]

    async def watch(self, paths: Sequence[Path]) -> AsyncGenerator[set[str], None]:
        while True:
            yield await self.changes.get()

    def change(self, *names: str) -> None:
        self.changes.put_nowait(set(names or ["app.py"]))


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Collects what the reloader logs."""
    caplog.set_level(logging.INFO, logger="fluid.reload")

    class Lines(list[str]):
        def __iter__(self):
            ours = [each for each in caplog.records if each.name == "fluid.reload"]
            return iter([each.getMessage() for each in ours])

    return Lines()


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


async def test_a_child_that_has_ended_by_itself_comes_back_with_the_next_change(lines):
    world = World()
    async with world.worker:
        await asyncio.sleep(1)
        world.children[0].ends(3)
        await asyncio.sleep(3600)
        assert world.told == ["start", "end 3"]
        world.change("app.py")
        await asyncio.sleep(1)
        assert world.told == ["start", "end 3", "start"]
    assert [*lines][1:] == [
        "the process has ended with exit code 3; waiting for a change",
        "app.py changed; starting anew",
    ]


async def test_it_says_what_has_changed_and_no_name_can_forge_a_line(lines):
    """A13"""
    world = World()
    async with world.worker:
        for names in (["b.py", "a.py"], [f"{number}.py" for number in range(9)], ["x\n.py"]):
            world.change(*names)
            await asyncio.sleep(5)
    assert [*lines] == [
        "watching src for changes of Python files",
        "a.py, b.py changed; starting anew",
        "0.py, 1.py, 2.py and 6 more changed; starting anew",
        "x\\n.py changed; starting anew",
    ]


async def test_a_child_that_is_deaf_is_killed_a_second_after_its_deadline(lines):
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
    assert "the process did not stop within its deadline and is killed" in [*lines]


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


async def test_a_child_that_the_system_holds_is_left_alone_in_the_end(lines):
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


# --- in reality ----------------------------------------------------------------------------------

ORPHAN = """
import os, signal, time
from fluid.cli.child import LIFELINE, end_with_parent
signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
end_with_parent()
assert LIFELINE not in os.environ
time.sleep(30)
"""


@pytest.mark.real
async def test_a_real_child_has_a_session_of_its_own_and_its_end_is_known():
    child = await start([sys.executable, "-c", "input()"])
    assert os.getsid(child.pid) == child.pid
    child.kill()
    assert await child.wait() == -signal.SIGKILL
    child.ask()  # too late, and no error
    child.force()
    child.kill()


@pytest.mark.real
async def test_a_real_child_stops_when_its_parent_is_gone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fluid.__file__).parents[1]))
    child = await start([sys.executable, "-c", ORPHAN])
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, child.lifeline)  # closes our end, as the system does for whoever is killed
    os.close(nothing)
    assert await child.wait() == 7


@pytest.mark.parametrize("text", ["", "no number", "99999"])
def test_a_lifeline_that_is_none_ends_nobody(monkeypatch: pytest.MonkeyPatch, text: str):
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, _number: killed.append(process))
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.run)  # at once, and here
    monkeypatch.setenv(LIFELINE, text)
    end_with_parent()
    assert (LIFELINE in os.environ, killed) == (False, [])


@pytest.mark.real
async def test_a_real_change_of_a_python_file_is_noticed(tmp_path: Path):
    changes = watch([tmp_path])
    first = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)  # in its first step it begins to watch
    (tmp_path / "notes.txt").write_text("not code")
    (tmp_path / "app.py").write_text("code")
    assert await first == {str(tmp_path / "app.py")}
    await changes.aclose()
