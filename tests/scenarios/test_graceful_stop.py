"""A stop that was asked for: how long it may take, and what is said of it."""

from __future__ import annotations

import asyncio
import logging
from math import inf
from typing import Any

import pytest

from fluid import Worker, WorkerState
from fluid.events import WorkerCancelledByForce, WorkerEvent, WorkerStopping
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import Breakable, Planned, faults_of, faults_of_each, group_of, tree_of
from tests.scenarios.stop_cast import (
    Finishing,
    greedy,
    had_enough,
    has_run,
    late,
    lived,
    stop_of,
    struck,
    times_of,
)
from tests.worker.fakes import forever, worker_with
from tests.worker.group_cast import end_of

STOPPED, FORCED, FAILED = WorkerState.STOPPED, WorkerState.FORCE_STOPPED, WorkerState.FAILED


@explored(faults="offered", swept=True, pairs=20)
async def test_children_whose_grace_has_no_limit_end_by_themselves(sim: Simulation) -> None:
    """G01"""
    members = [Finishing(500, name=name, stopping_grace_period=inf) for name in "ab"]
    group = group_of(*members)
    faults_of(sim, group)
    await lived(sim, group)
    for member in members:
        ended_by_itself = has_run(member) and member.worker_state is STOPPED
        sim.sometimes("it ended by itself", ended_by_itself)
        assert stop_of(member) >= 500 if ended_by_itself else sim.schedule.strikes
        assert struck(sim, "force") or not times_of(member, WorkerCancelledByForce)


@explored(faults="offered", swept=True, pairs=20)
async def test_a_child_is_cut_at_the_end_of_its_grace_and_its_sibling_just_stops(
    sim: Simulation,
) -> None:
    """G02"""
    prompt = Breakable(name="prompt")
    asleep = worker_with(name="asleep", run=lambda _: asyncio.sleep(200), stopping_grace_period=1)
    group = group_of(prompt, asleep)
    faults_of(sim, group)
    await lived(sim, group)
    assert not prompt.has_started() or stop_of(prompt) <= late(sim)
    assert not asleep.has_started() or stop_of(asleep) <= 1 + late(sim)
    had_its_grace = asleep.worker_state is FORCED and not struck(sim, "force")
    sim.sometimes("the grace was over", had_its_grace)
    assert not had_its_grace or stop_of(asleep) >= 1
    if not sim.schedule.strikes:
        assert (prompt.worker_state, asleep.worker_state) == (STOPPED, FORCED)


@explored(faults="offered", swept=True, pairs=20)
async def test_the_graces_of_children_run_side_by_side(sim: Simulation) -> None:
    """G04"""
    members = [
        Finishing(seconds, name=f"{number}", stopping_grace_period=2)
        for number, seconds in enumerate((1, 1, 5))
    ]
    group = group_of(*members)
    faults_of_each(sim, group, members[2])
    took = await lived(sim, group)
    assert took <= 2 + late(sim)
    if not sim.schedule.strikes:
        assert took >= 2
        assert [member.worker_state for member in members] == [STOPPED, STOPPED, FORCED]


@explored(faults="offered", swept=True, pairs=20)
async def test_only_who_did_not_just_stop_is_told_of_aloud(sim: Simulation) -> None:
    """G07"""
    group = group_of(Breakable(name="a"), Finishing(3, name="b", stopping_grace_period=2))
    loud: list[str] = []

    def hear(event: WorkerEvent) -> None:
        if event.level > logging.INFO:
            loud.append(event.path)

    group.subscribe(hear)
    faults_of_each(sim, *group.workers())
    await lived(sim, group)
    started = [worker for worker in tree_of(group) if worker.has_started()]
    unusual = {worker.worker_path for worker in started if worker.worker_state is not STOPPED}
    assert set(loud) == unusual
    sim.sometimes("nothing to be told aloud", bool(started) and not unusual)


async def fail_when_asked(worker: Worker) -> None:
    await worker.sleep(inf)
    raise Planned("at the end")


CUT = "WARNING worker app/child did not end when asked and was cancelled in run"
FORCE = "WARNING worker app/child was stopped by force"
CRASH = [
    "ERROR worker app/child failed after 1.0 seconds (Planned: at the end)",
    "ERROR worker app failed because worker app/child failed",
]


@pytest.mark.parametrize(
    ("grace", "run", "expected"),
    [
        (2, None, []),
        (2, fail_when_asked, CRASH),
        (2, forever, [CUT, FORCE]),
        (inf, None, []),
        (inf, fail_when_asked, CRASH),
        (0, None, []),
        (0, fail_when_asked, CRASH),
        (0, forever, [CUT, FORCE]),
    ],
)
async def test_the_log_is_loud_only_about_an_end_out_of_the_ordinary(
    grace: float, run: Any, expected: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """G07"""
    group = group_of(worker_with(name="child", run=run, stopping_grace_period=grace), name="app")
    await group.startup()
    await asyncio.sleep(1)
    with caplog.at_level(logging.INFO):
        await end_of(group.shutdown())
    loud = [record for record in caplog.records if record.levelno > logging.INFO]
    assert len(loud) == len(expected)
    for record, line in zip(loud, expected, strict=True):
        assert f"{record.levelname} {record.getMessage()}".startswith(line)
    assert sum(record.exc_info is not None for record in loud) == (expected == CRASH)


@explored()
async def test_ten_children_of_which_each_wants_more_than_its_share_keep_the_deadline(
    sim: Simulation,
) -> None:
    """G17"""
    members = greedy("abcdefghij")
    group = group_of(*members, stopping_grace_period=25, stop_in_reverse=True)
    assert await lived(sim, group) == pytest.approx(25, abs=late(sim))
    for member in members:
        (stopping,) = (event for event in member.events if isinstance(event, WorkerStopping))
        assert stopping.bound == pytest.approx(2.5, abs=late(sim))
    await had_enough()


@explored(faults="offered", swept=True, pairs=20)
async def test_no_share_is_negative_and_the_deadline_is_kept_whatever_befalls_a_child(
    sim: Simulation,
) -> None:
    """G17"""
    members = greedy("abc")
    group = group_of(*members, stopping_grace_period=5, stop_in_reverse=True)
    sim.offer("force the group", group._worker.force)
    faults_of_each(sim, members[1])
    assert await lived(sim, group) <= 5 + late(sim)
    for member in members:
        for event in member.events:
            assert not isinstance(event, WorkerStopping) or event.bound >= 0
    await had_enough()
