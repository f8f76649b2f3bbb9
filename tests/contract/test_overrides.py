"""Where a user's code takes the place of fluid's: every documented member can be overridden."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from fluid.utils.errors import WorkerStartError
from fluid.utils.worker import Worker, Workers, WorkerState
from tests.contract.cast import BoomError, Brief, Deaf, Idle, end_of
from tests.contract.kinds import DOCUMENTED, OF_A_KIND, each_kind, live, subclassed


@each_kind
@pytest.mark.parametrize("by", ["shutdown", "async with"])
async def test_shutdown_asks_through_the_workers_own_gracefully_stop(
    make: Callable[[], Worker], by: str
) -> None:
    worker = make()
    base: Any = type(worker)
    asked = []

    def gracefully_stop(self: Worker) -> None:
        asked.append(self)
        base.gracefully_stop(self)

    subclassed(worker, {"gracefully_stop": gracefully_stop})
    if by == "shutdown":
        await worker.startup()
        await worker.shutdown()
    else:
        async with worker:
            pass
    assert asked == [worker]
    assert worker.worker_state is WorkerState.STOPPED


async def test_worker_stops_by_whatever_its_own_gracefully_stop_does() -> None:
    class ByEvent(Worker):
        def __init__(self) -> None:
            super().__init__()
            self.done = asyncio.Event()

        async def run(self) -> None:
            await self.done.wait()

        def gracefully_stop(self) -> None:
            self.done.set()
            super().gracefully_stop()

    async with ByEvent() as worker:
        await asyncio.sleep(1)
    assert worker.worker_state is WorkerState.STOPPED
    assert asyncio.get_running_loop().time() == 1


async def test_shutdown_keeps_its_bound_when_an_override_of_gracefully_stop_does_nothing() -> None:
    class Mute(Deaf):
        def gracefully_stop(self) -> None:
            pass

    worker = Mute(stopping_grace_period=3)
    await worker.startup()
    await asyncio.sleep(1)
    await worker.shutdown()
    assert worker.is_stopped()
    assert asyncio.get_running_loop().time() <= 1 + worker.worker_stop_bound


async def test_group_starts_its_children_by_their_own_startup() -> None:
    class Announced(Idle):
        announced = 0.0

        async def startup(self) -> None:
            await asyncio.sleep(3)
            await super().startup()
            self.announced = asyncio.get_running_loop().time()

    child, after = Announced(), Idle(name="after")
    group = Workers(child, after)
    await group.startup()
    assert child.announced == 3
    assert child.is_running()
    assert after.is_running()
    await group.shutdown()
    assert child.worker_state is WorkerState.STOPPED


async def test_childs_own_startup_that_only_calls_super_changes_nothing_for_the_group() -> None:
    class Announced(Brief):
        async def startup(self) -> None:
            await super().startup()

    group = Workers(Idle(), Announced())
    await group.startup()
    assert group.worker_state is WorkerState.RUNNING
    await group.wait_for_shutdown()
    assert group.is_stopped()


async def test_error_of_a_childs_own_startup_is_raised_by_the_group_and_nobody_is_left_behind() -> (
    None
):
    error = BoomError("no licence")

    class Refused(Idle):
        async def startup(self) -> None:
            await super().startup()
            raise error

    before, child = Idle(name="before"), Refused()
    with pytest.raises(BoomError) as caught:
        await Workers(before, child).startup()
    assert caught.value is error
    assert before.is_stopped()
    assert child.is_stopped()


@pytest.mark.parametrize("how", ["hangs", "ignores its cancel"])
async def test_group_can_be_stopped_while_a_childs_own_startup_never_ends(how: str) -> None:
    released = asyncio.Event()

    class Hanging(Idle):
        async def startup(self) -> None:
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    if how == "hangs":
                        raise

    before = Idle(name="before")
    group = Workers(before, Hanging())
    start = asyncio.ensure_future(group.startup())
    await asyncio.sleep(1)
    bound = group.worker_stop_bound
    group.gracefully_stop()
    await asyncio.wait([start])
    assert isinstance(start.exception(), WorkerStartError)
    assert asyncio.get_running_loop().time() <= 1 + bound
    assert before.worker_state is WorkerState.STOPPED
    released.set()
    await asyncio.sleep(1)


async def test_child_whose_own_startup_does_not_start_it_is_taught_to_call_super() -> None:
    class Mute(Idle):
        async def startup(self) -> None:
            pass

    with pytest.raises(WorkerStartError, match=r"super\(\)\.startup\(\)"):
        await Workers(Mute()).startup()


async def test_group_stops_its_children_by_their_own_gracefully_stop() -> None:
    class Counting(Idle):
        asked = 0

        def gracefully_stop(self) -> None:
            self.asked += 1
            super().gracefully_stop()

    children = [Counting(name=f"{n}") for n in range(3)]
    async with Workers(*children):
        pass
    assert [child.asked for child in children] == [1, 1, 1]


@pytest.mark.parametrize("how", ["does nothing", "raises"])
async def test_group_keeps_its_bound_when_a_childs_gracefully_stop_misbehaves(how: str) -> None:
    class Bad(Deaf):
        def gracefully_stop(self) -> None:
            if how == "raises":
                raise BoomError("boom")

    bad, good = Bad(stopping_grace_period=3), Idle()
    group = Workers(good, bad)
    await group.startup()
    await asyncio.sleep(1)
    bound = group.worker_stop_bound
    group.gracefully_stop()
    await end_of(group)
    assert asyncio.get_running_loop().time() <= 1 + bound
    assert good.worker_state is WorkerState.STOPPED
    assert bad.is_stopped()


async def test_group_says_what_its_childrens_own_status_says() -> None:
    class Detailed(Idle):
        async def status(self) -> dict[str, Any]:
            return {**await super().status(), "temperature": 21}

    status = await Workers(Detailed(), name="app").status()
    assert status["detailed"]["temperature"] == 21
    assert status["detailed"]["running"] is False


async def test_group_may_override_workers_status_and_add_workers_and_call_super() -> None:
    class Wide(Workers):
        added = 0

        def add_workers(self, *workers: Worker) -> None:
            self.added += len(workers)
            super().add_workers(*workers)

        def workers(self) -> Iterator[Worker]:
            yield from super().workers()

        async def status(self) -> dict[str, Any]:
            return {"all": await super().status()}

        async def run(self) -> None:
            await super().run()

    group = Wide(Idle(name="one"))
    async with group:
        group.add_workers(Idle(name="two"))
        await asyncio.sleep(1)
        status = await group.status()
    assert group.added == 1
    assert [entry["running"] for entry in status["all"].values()] == [True, True]
    assert all(child.worker_state is WorkerState.STOPPED for child in group.workers())


@each_kind
async def test_super_works_from_an_override_of_every_documented_member(
    make: Callable[[], Worker],
) -> None:
    worker = make()
    base = type(worker)
    called: set[str] = set()

    def override(name: str) -> Any:
        member = getattr(base, name)
        if isinstance(member, property):

            def read(self: Worker) -> Any:
                called.add(name)
                return member.__get__(self)

            return property(read)
        if asyncio.iscoroutinefunction(member):

            async def call_later(self: Worker, *args: Any, **options: Any) -> Any:
                called.add(name)
                return await member(self, *args, **options)

            return call_later

        def call(self: Worker, *args: Any, **options: Any) -> Any:
            called.add(name)
            return member(self, *args, **options)

        return call

    names = {name for name in DOCUMENTED | OF_A_KIND if name in dir(base)} - {"on_message"}
    subclassed(worker, {name: override(name) for name in names})
    await live(worker)
    assert called >= {
        *("startup", "on_startup", "run", "gracefully_stop", "on_shutdown"),
        *("after_shutdown", "status", "shutdown", "wait_for_shutdown", "worker_state"),
    }


HOOKS = ["on_startup", "run", "on_shutdown"]


@pytest.mark.parametrize("hook", HOOKS)
async def test_hook_that_is_set_on_the_worker_itself_is_called(hook: str) -> None:
    worker = Brief()
    fake = AsyncMock()
    setattr(worker, hook, fake)
    async with worker:
        await worker.wait_for_shutdown()
    fake.assert_awaited_once_with()


async def test_startup_and_gracefully_stop_that_are_set_on_a_child_itself_are_called() -> None:
    child = Idle(stopping_grace_period=0)
    startup = AsyncMock(side_effect=child.startup)
    gracefully_stop = Mock(side_effect=child.gracefully_stop)
    child.startup = startup  # type: ignore[method-assign]
    child.gracefully_stop = gracefully_stop  # type: ignore[method-assign]
    async with Workers(child):
        await asyncio.sleep(1)
    startup.assert_awaited_once_with()
    gracefully_stop.assert_called_once_with()
    assert child.is_stopped()


@pytest.mark.parametrize("hook", [*HOOKS, "startup", "gracefully_stop"])
async def test_override_that_looks_like_the_method_it_wraps_is_called(hook: str) -> None:
    """``functools.wraps`` copies every attribute of a function, a mark of fluid's too."""
    called = []

    def traced(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any) -> Any:
            called.append(method.__name__)
            return method(*args)

        return call

    child = Idle()
    subclassed(child, {hook: traced(getattr(Idle, hook))})
    async with Workers(child):
        await asyncio.sleep(1)
    assert called == [hook]


@pytest.mark.parametrize("hook", HOOKS)
async def test_override_in_a_group_that_looks_like_the_method_it_wraps_is_called(hook: str) -> None:
    called = []

    @functools.wraps(getattr(Workers, hook))
    async def traced(self: Workers) -> None:
        called.append(hook)
        await getattr(Workers, hook)(self)

    group = Workers(Idle())
    subclassed(group, {hook: traced})
    async with group:
        await asyncio.sleep(1)
    assert called == [hook]


async def test_dataclass_can_be_a_worker_and_equal_ones_are_different_children() -> None:
    @dataclass
    class Poller(Worker):
        url: str
        polls: int = 0

        def __post_init__(self) -> None:
            super().__init__(name="poller")

        async def run(self) -> None:
            while await self.sleep(1):
                self.polls += 1

    pollers = [Poller("a"), Poller("a"), Poller("b")]
    async with Workers(*pollers) as group:
        assert group.num_workers == 3
        await asyncio.sleep(2.5)
    assert [poller.polls for poller in pollers] == [2, 2, 2]
