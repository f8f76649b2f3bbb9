"""Any tree, any faults, at any time: it ends within its bound, in order, leaving nobody behind."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluid import FluidError, Worker, Workers
from fluid.events import WorkerEnded, WorkerEvent, WorkerStopping
from fluid.testing import run
from tests.worker.fakes import Recorded, at_once, deaf_to, forever, now, raising
from tests.worker.group_cast import assert_nobody_is_left, child, end_of, let_pass, steps


class Planned(Exception):
    """What the workers of this file raise."""


def after(delay: float, hook: Callable[[Worker], Any]) -> Callable[[Worker], Any]:
    """Returns a hook that waits, whatever happens, before the given one."""

    async def late(worker: Worker) -> None:
        await asyncio.sleep(delay)
        await hook(worker)

    return late


async def until_asked(worker: Worker) -> None:
    await worker.sleep(inf)


HOOKS = st.sampled_from(
    [
        at_once,
        steps(1),
        steps(3),
        raising(Planned()),
        after(2, at_once),
        after(2, raising(Planned())),
        deaf_to(1),
        deaf_to(inf),
        forever,
    ]
)
RUNS = st.one_of(st.just(until_asked), st.just(until_asked), HOOKS)
CALM = st.one_of(st.just(at_once), st.just(at_once), HOOKS)
GRACES = st.sampled_from([0.0, 1.0, 10.0, inf])


@dataclass
class Leaf:
    """How one worker is made."""

    startup: Callable[[Worker], Any]
    run: Callable[[Worker], Any]
    shutdown: Callable[[Worker], Any]
    grace: float

    def make(self) -> Worker:
        return child(
            "leaf",
            startup=self.startup,
            run=self.run,
            shutdown=self.shutdown,
            stopping_grace_period=self.grace,
        )


@dataclass
class Group:
    """How one group is made."""

    members: list[Leaf | Group]
    in_reverse: bool
    grace: float | None

    def make(self) -> Worker:
        return Workers(
            *(member.make() for member in self.members),
            stop_in_reverse=self.in_reverse,
            stopping_grace_period=self.grace,
        )


LEAVES = st.builds(Leaf, CALM, RUNS, CALM, GRACES)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        Group,
        st.lists(inner, max_size=4),
        st.booleans(),
        st.one_of(st.none(), st.none(), st.sampled_from([0.0, 3.0, 12.0, 40.0])),
    ),
    max_leaves=8,
)
FAULTS = st.lists(
    st.tuples(
        st.sampled_from(["stop", "stop one", "cancel one", "cancel starter", "force", "add"]),
        st.integers(0, 6),  # steps of the loop before it
        st.sampled_from([0.0, 0.0, 0.0, 1.0, 11.5]),  # seconds before that
        st.integers(0, 100),  # whom
    ),
    max_size=4,
)


@dataclass
class Observed:
    """What was seen of one tree."""

    group: Workers
    ends: list[str] = field(default_factory=list)
    bound: float = inf
    stopping_at: float = inf
    ended_at: float = inf

    def hear(self, event: WorkerEvent) -> None:
        if isinstance(event, WorkerEnded):
            self.ends.append(event.path)
            self.ended_at = event.at
        elif isinstance(event, WorkerStopping) and event.path == self.group.worker_path:
            self.stopping_at, self.bound = event.at, event.bound


@pytest.mark.parametrize("eager", [False, True] if sys.version_info >= (3, 12) else [False])
@settings(max_examples=100, deadline=None)
@given(
    tree=st.builds(Group, st.lists(TREES, max_size=4), st.booleans(), st.none()),
    faults=FAULTS,
)
def test_any_tree_ends_within_its_bound_whatever_happens(
    eager: bool, tree: Group, faults: list[Any]
) -> None:
    """S23, G17, C18, E13, L01"""
    run(lambda: _live(tree, faults), eager=eager)


async def _live(tree: Group, faults: list[Any]) -> None:
    group = tree.make()
    assert isinstance(group, Workers)
    seen = Observed(group)
    group.subscribe(seen.hear)
    start = asyncio.ensure_future(group.startup())
    for fault, number, seconds, whom in faults:
        if seconds:
            await asyncio.sleep(seconds)
        await let_pass(number)
        _do(fault, group, start, whom)
    await asyncio.sleep(30)
    last = now() + 60
    group._worker.hurry(last)  # somebody may have no limit at all
    group.gracefully_stop()
    await end_of(start)
    error = await end_of(group.shutdown())

    assert error is None or isinstance(error, (Planned, FluidError, asyncio.CancelledError))
    everybody = [*_below(group)]
    assert_nobody_is_left(group, everybody)
    if group.has_started():
        assert seen.ends[-1] == group.worker_path
        assert (
            len(set(seen.ends))
            == len(seen.ends)
            == 1 + sum(worker.has_started() for worker in everybody)
        )
        assert seen.ended_at - seen.stopping_at <= seen.bound + 1e-6
        assert seen.ended_at <= last + 1e-6
    for worker in everybody:
        if isinstance(worker, Recorded) and worker.has_started():
            assert isinstance(worker.diary[-1], tuple)
    await asyncio.sleep(15_000)  # until the deaf ones have had enough


def _do(fault: str, group: Workers, start: asyncio.Future[None], whom: int) -> None:
    everybody = [group, *_below(group)]
    somebody = everybody[whom % len(everybody)]
    match fault:
        case "stop":
            group.gracefully_stop()
        case "stop one":
            somebody.gracefully_stop()
        case "cancel one":
            life = somebody._worker.life
            if life is not None and life.task is not None:
                life.task.cancel()
        case "cancel starter":
            start.cancel()
        case "force":
            somebody._worker.force()
        case _:
            if isinstance(somebody, Workers) and not somebody._worker.is_closed():
                somebody.add_workers(child("added"))


def _below(group: Worker) -> list[Worker]:
    below: list[Worker] = []
    for worker in group.workers():
        if worker is not group:
            below += [worker, *_below(worker)]
    return below
