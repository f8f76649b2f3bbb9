"""Whatever was opened is closed again: once, last in first out, and whatever strikes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from fluid import GroupClosed, Worker, Workers
from fluid.testing import Simulation
from tests.exploring import explored
from tests.scenarios.cast import (
    Breakable,
    Planned,
    Watch,
    faults_of,
    group_of,
    starting,
    stop_at_last,
)
from tests.worker.fakes import deaf
from tests.worker.group_cast import end_of

with_faults = explored(faults="offered", swept=True, pairs=30)


class Store:
    """Lends things, and takes them back."""

    def __init__(self, return_takes: float = 0) -> None:
        self.return_takes = return_takes
        self.lent: dict[str, list[str]] = {}
        self.back: dict[str, list[str]] = {}

    @asynccontextmanager
    async def lend(self, to: str, thing: str) -> AsyncIterator[None]:
        """Lends a thing: the way there takes a step, and the way back its time."""
        await asyncio.sleep(0)
        self.lent.setdefault(to, []).append(thing)
        try:
            yield
        finally:
            self.back.setdefault(to, []).append(thing)
            await asyncio.sleep(self.return_takes)

    async def equip(self, worker: Worker) -> None:
        """Puts two things on the exit stack of a worker."""
        for thing in ("first", "second"):
            loan = self.lend(worker.worker_name, thing)
            await worker.worker_exit_stack.enter_async_context(loan)

    def assert_all_is_back(self) -> None:
        """Asserts that each thing came back once, and from each borrower the last one first."""
        assert self.back == {name: things[::-1] for name, things in self.lent.items()}


class Borrower(Breakable):
    """Borrows two things as it starts, and one as it runs."""

    def __init__(self, store: Store, name: str, **options) -> None:
        super().__init__(name=name, **options)
        self.store = store

    async def on_startup(self) -> None:
        await super().on_startup()
        await self.store.equip(self)

    async def run(self) -> None:
        async with self.store.lend(self.worker_name, "third"):
            await super().run()


class BadStart(Borrower):
    """Fails to start when it has borrowed already."""

    async def on_startup(self) -> None:
        await super().on_startup()
        raise Planned(self.worker_name)


class OwnStart(Borrower):
    """Borrows one more thing for as long as it starts."""

    async def startup(self) -> None:
        async with self.store.lend("a start of its own", "thing"):
            await super().startup()


class Deaf(Borrower):
    """Has to be abandoned."""

    async def run(self) -> None:
        async with self.store.lend(self.worker_name, "third"):
            await deaf(self)


class BorrowingGroup(Workers):
    """Borrows too, around its children."""

    def __init__(self, store: Store, *workers: Worker) -> None:
        super().__init__(*workers, name="group")
        self.store = store

    async def on_startup(self) -> None:
        await self.store.equip(self)

    async def on_shutdown(self) -> None:
        await asyncio.sleep(0)


TREES: dict[str, Callable[[Store], Worker]] = {
    "one": lambda store: Borrower(store, "a"),
    "one that fails to start": lambda store: BadStart(store, "a"),
    "two": lambda store: group_of(Borrower(store, "a"), Borrower(store, "b")),
    "two of which one fails to start": lambda store: group_of(
        Borrower(store, "a"), BadStart(store, "b"), Borrower(store, "c"), stop_in_reverse=True
    ),
    "one with a start of its own": lambda store: group_of(OwnStart(store, "a")),
    "a group that borrows too": lambda store: BorrowingGroup(store, Borrower(store, "a")),
}


@pytest.mark.parametrize("make", TREES.values(), ids=TREES)
@with_faults
async def test_all_that_was_opened_is_closed_once_and_in_reverse(
    sim: Simulation, make: Callable[[Store], Worker]
):
    store = Store()
    root = make(store)
    watch = Watch(root)
    faults_of(sim, root)
    await end_of(starting(sim, root))
    sim.sometimes("it had borrowed something", bool(store.lent))
    await end_of(asyncio.wait_for(root.wait_for_shutdown(), 0.1))
    await stop_at_last(root)
    watch.assert_it_ended_well()
    store.assert_all_is_back()


@with_faults
async def test_async_with_closes_all_wherever_its_user_is_cancelled(sim: Simulation):
    store = Store()
    worker = Borrower(store, "a")

    async def use() -> None:
        async with worker:
            await asyncio.sleep(0.01)

    user = asyncio.ensure_future(use())
    sim.offer("cancel the user", user.cancel)
    faults_of(sim, worker)
    await end_of(user)
    await end_of(worker.wait_for_shutdown())
    store.assert_all_is_back()


@with_faults
async def test_a_child_that_is_added_at_any_moment_closes_what_it_opened_or_never_starts(
    sim: Simulation,
):
    store = Store()
    group = group_of(Borrower(store, "a"))
    watch = Watch(group)
    added: list[Worker] = []

    def add() -> None:
        child = Borrower(store, f"added {len(added) + 1}")
        with suppress(GroupClosed):
            group.add_workers(child)
            added.append(child)

    faults_of(sim, group)
    sim.offer("add a child", add)
    await end_of(starting(sim, group))
    add()
    await asyncio.sleep(0.01)
    await stop_at_last(group)
    watch.assert_it_ended_well()
    sim.sometimes("one was added, and started", any(child.has_started() for child in added))
    store.assert_all_is_back()


@with_faults
async def test_what_takes_too_long_to_close_keeps_nothing_else_open(sim: Simulation):
    store = Store(return_takes=100)
    worker = Borrower(store, "a", stopping_grace_period=1)
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await stop_at_last(worker)
    watch.assert_it_ended_well()
    await asyncio.sleep(1000)
    store.assert_all_is_back()


@with_faults
async def test_an_abandoned_worker_closes_what_it_opened_when_it_ends_at_last(sim: Simulation):
    store = Store()
    worker = Deaf(store, "a", stopping_grace_period=1)
    watch = Watch(worker)
    faults_of(sim, worker)
    await end_of(starting(sim, worker))
    await stop_at_last(worker)
    watch.assert_it_ended_well()
    sim.sometimes("it was abandoned", worker.has_started() and worker.worker_exit.abandoned)
    await asyncio.sleep(7200)
    store.assert_all_is_back()
