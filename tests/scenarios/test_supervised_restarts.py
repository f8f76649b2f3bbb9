"""What follows from a child's end: each policy with each kind of end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from fluid import (
    ChildNotFound,
    ChildSpec,
    SupervisorGaveUp,
    Worker,
)
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Planned, cancel_task_of, stop_at_last
from tests.scenarios.restart_cast import ENDS, decisions_of, let_settle, states_of
from tests.scenarios.supervised_cast import (
    Lives,
    Maker,
    faults_of_supervised,
    supervisor_of,
)
from tests.worker.fakes import deaf, worker_with
from tests.worker.group_cast import end_of

End = Callable[["Mortal"], object]


class Mortal(Breakable):
    """Can end in every way there is."""

    cleanup_error: BaseException | None = None

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        if self.cleanup_error is not None:
            raise self.cleanup_error

    def return_(self) -> None:
        self.breaks.set_result(None)

    def fail_to_clean_up(self) -> None:
        self.cleanup_error = Planned("cleanup")
        self.return_()

    def exit_(self) -> None:
        self.breaks.set_exception(SystemExit(3))


ENDS_WELL: dict[str, End] = {
    "it returned": Mortal.return_,
    "it was stopped": Mortal.gracefully_stop,
    "it was forced": lambda child: child._worker.force(),
}
FAILURES: dict[str, End] = {
    "it raised": Mortal.break_,
    "somebody cancelled it": cancel_task_of,
    "it failed to clean up": Mortal.fail_to_clean_up,
}


def each_of(ends: dict[str, End]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("end", ends.values(), ids=ends)


async def child_that_ended(restart: str, end: End) -> tuple[Maker, Worker, Lives]:
    """Returns a child a second after its first end, its supervisor, and all their lives."""
    child = Maker("a", Mortal)
    app = supervisor_of(ChildSpec(child, restart=restart))
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    end(child.now)
    await asyncio.sleep(1)
    assert lives.ends["app/a"] == 1
    return child, app, lives


@each_of(ENDS_WELL | FAILURES)
@explored(seeds=15)
async def test_permanent_child_is_restarted_however_it_ended(end: End) -> None:
    """P01, P04"""
    child, app, lives = await child_that_ended("permanent", end)
    assert lives.starts["app/a"] == len(child.made) == 2
    assert child.now.is_ready()
    assert app.is_ready()
    await stop_at_last(app)
    lives.assert_all_is_well()


@each_of(FAILURES)
@explored(seeds=15)
async def test_transient_child_is_restarted_after_a_failure(end: End) -> None:
    """P05"""
    child, app, lives = await child_that_ended("transient", end)
    assert lives.starts["app/a"] == len(child.made) == 2
    assert child.now.is_ready()
    await stop_at_last(app)
    lives.assert_all_is_well()


@each_of(ENDS_WELL)
@explored(seeds=15)
async def test_transient_child_that_ended_well_stays_down_and_keeps_its_place(end: End) -> None:
    """P02"""
    child, app, lives = await child_that_ended("transient", end)
    assert lives.starts["app/a"] == len(child.made) == 1
    assert states_of(app) == {"a": "stopped"}
    assert app.is_ready()  # which only a permanent child that is down would change
    assert await app.restart_child("a") is child.now
    assert lives.starts["app/a"] == 2
    await stop_at_last(app)
    lives.assert_all_is_well()


@each_of(ENDS_WELL | FAILURES)
@explored(seeds=15)
async def test_temporary_child_is_never_restarted_and_its_place_goes(end: End) -> None:
    """P03"""
    child, app, lives = await child_that_ended("temporary", end)
    assert lives.starts["app/a"] == len(child.made) == 1
    assert app.count_children() == (0, 0, 0, 0)
    assert app.is_ready()
    assert isinstance(await end_of(app.restart_child("a")), ChildNotFound)
    await stop_at_last(app)
    lives.assert_all_is_well()


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@explored(seeds=10)
async def test_supervisor_of_a_child_that_refuses_to_end_gives_up_whatever_the_policy(restart: str):
    """DESIGN: only the end of the process frees what an abandoned worker holds."""
    child = worker_with(name="a", run=deaf, stopping_grace_period=1)
    app = supervisor_of(ChildSpec(child, restart=restart))
    lives = Lives(app)
    await app.startup()
    child.gracefully_stop()
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SupervisorGaveUp)
    assert "app/a was abandoned" in str(error)
    assert lives.starts["app/a"] == 1
    lives.assert_all_is_well()
    await asyncio.sleep(7200)  # it ends at last


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@explored(seeds=10)
async def test_child_that_raises_system_exit_is_not_restarted_whatever_the_policy(restart: str):
    """It has asked for the end of the process, so its supervisor ends with that."""
    child = Maker("a", Mortal)
    app = supervisor_of(ChildSpec(child, restart=restart))
    lives = Lives(app)
    await app.startup()
    await asyncio.sleep(1)
    child.now.exit_()
    error = await end_of(app.wait_for_shutdown())
    assert isinstance(error, SystemExit)
    assert error.code == 3
    assert lives.starts["app/a"] == 1
    lives.assert_all_is_well()


@pytest.mark.parametrize(
    ("restart", "restarted_after"),
    [
        ("permanent", set(ENDS)),
        ("transient", {"WorkerFailed"}),
        ("temporary", set()),
    ],
)
@explored(faults="offered", swept=True, pairs=20)
async def test_end_at_any_step_is_judged_by_the_policy_and_nothing_else(
    sim: Simulation, restart: str, restarted_after: set[str]
) -> None:
    """P01, P02, P03, P04, P05"""
    child = Maker("a")
    app = supervisor_of(ChildSpec(child, restart=restart))
    lives = Lives(app)
    faults_of_supervised(sim, app, child)
    await end_of(app.startup())
    await asyncio.sleep(1)
    child.now.break_()
    await let_settle(lives)
    await stop_at_last(app)
    lives.assert_all_is_well()
    for end, restarted in decisions_of(lives, "a"):
        assert restarted is (end in restarted_after), (end, lives.log)
        sim.sometimes(f"{end} is followed by a restart: {restarted}")
