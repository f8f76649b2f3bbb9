"""Errors whose own text does harm, and what any error leaves in memory."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from fluid import Workers, WorkerState
from fluid.events import WorkerEvent
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Breakable,
    Planned,
    Watch,
    faults_of_each,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import Recorded, raising, worker_with
from tests.worker.group_cast import end_of

STOPPED, FAILED = WorkerState.STOPPED, WorkerState.FAILED

MANY = 10_000_000


class Mute(Exception):
    """Has nothing to say for itself."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


class Mistaken(Exception):
    """Says something that is no text."""

    def __str__(self) -> str:
        return 42  # noqa: PLE0307 (the mistake is the point)

    __repr__ = __str__


with_hostile_errors = pytest.mark.parametrize(
    "make",
    [
        Mute,
        Mistaken,
        lambda: ValueError("x" * MANY),
        lambda: ExceptionGroup("several", [Mute()]),
    ],
    ids=["mute", "mistaken", "long", "group"],
)


# --- the text of an error ------------------------------------------------------------------------


@with_hostile_errors
async def test_an_error_whose_text_does_harm_is_logged_briefly_and_ends_what_it_has_to(
    make: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """E06"""
    error = make()
    failing = worker_with(name="failing", run=raising(error))
    tidying = worker_with(name="tidying", shutdown=raising(error))
    group = group_of(tidying, failing)
    watch = Watch(group)
    await end_of(group.startup())
    assert await end_of(group.wait_for_shutdown()) is error
    watch.assert_it_ended_well()
    assert json.dumps(group.worker_exit.as_dict())
    assert json.dumps(group.worker_tree())
    assert "worker group/failing failed" in caplog.text
    assert len(caplog.text) < MANY / 10


@with_hostile_errors
async def test_the_error_of_a_body_is_not_replaced_by_the_text_of_its_workers(
    make: Callable[[], BaseException],
) -> None:
    """E06"""

    async def use() -> None:
        async with worker_with(shutdown=raising(make())):
            raise KeyError("body")

    error = await end_of(use())
    assert type(error) is KeyError  # not by pytest.raises(), whose report would fall for the text
    (note,) = error.__notes__
    assert note.startswith("worker made failed too (")
    assert len(note) < MANY / 10


# --- what an error leaves in memory --------------------------------------------------------------


class Remembered(Planned):
    """An error of which is known whether anybody still has it."""

    alive: ClassVar[weakref.WeakSet[Remembered]] = weakref.WeakSet()

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.alive.add(self)


async def _raise_remembered() -> None:
    await asyncio.sleep(0.1)
    raise Remembered("in a coroutine")


@explored(faults="offered", swept=True, eager=False)  # what an eager task keeps is not ours
async def test_an_error_that_was_handled_is_gone_at_once(sim: Simulation) -> None:
    """E07: the explorer keeps the garbage collector from running."""

    async def handle(worker: Recorded) -> None:
        try:
            await worker.wait_or_stop(_raise_remembered())
        except Remembered:
            sim.sometimes("handled")
        assert "in a coroutine" not in map(str, Remembered.alive)

    class Ailing(Breakable):
        async def status(self) -> dict[str, Any]:
            raise Remembered("in status()")

        def after_shutdown(self, reason: str, code: int) -> None:
            super().after_shutdown(reason, code)
            raise Remembered("in after_shutdown()")

    def complain(event: WorkerEvent) -> None:
        raise Remembered("in a listener")

    Remembered.alive.clear()
    worker = worker_with(name="worker", run=handle)
    sibling = Ailing(name="sibling")
    worker.subscribe(complain)
    group = group_of(sibling, worker)
    faults_of_each(sim, worker)
    await end_of(starting(sim, group))
    await group.status()
    error = await stop_at_last(group)
    assert not isinstance(error, AssertionError)
    sibling.events.clear()  # one of them has the error of after_shutdown()
    assert len(Remembered.alive) == 0


async def _failed_group() -> Workers:
    group = group_of(worker_with(name="failing", run=raising(Remembered("kept"))))
    await end_of(group.startup())
    for _ in range(3):
        assert type(await end_of(group.wait_for_shutdown())) is Remembered
    return group


@explored(eager=False)
async def test_a_failed_worker_keeps_its_error_and_nobody_else_does() -> None:
    """E07"""
    Remembered.alive.clear()
    group = await _failed_group()
    (error,) = Remembered.alive
    assert group.worker_exit.exception is error
    lengths = {_length_of(await end_of(group.wait_for_shutdown())) for _ in range(3)}
    assert len(lengths) == 1
    del group, error
    await asyncio.sleep(1)  # its task has ended; that this was noticed is one more step
    gc.collect()
    assert len(Remembered.alive) == 0


def _length_of(error: BaseException | None) -> int:
    length, traceback = 0, error and error.__traceback__
    while traceback is not None:
        length, traceback = length + 1, traceback.tb_next
    return length
