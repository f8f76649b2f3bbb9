"""The seams: where a user's code may take the place of fluid's, and where the two never touch."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

import fluid
from fluid.utils.dispatcher import AsyncDispatcher
from fluid.utils.errors import WorkerStartError
from fluid.utils.worker import (
    AsyncConsumer,
    QueueConsumer,
    QueueConsumerWorker,
    Worker,
    WorkerFunction,
    Workers,
    WorkerState,
)
from tests.contract.cast import BoomError, Brief, Collector, Deaf, Idle, end_of

DOCUMENTED = {
    "worker_state",
    "worker_name",
    "num_workers",
    "has_started",
    "is_running",
    "is_stopping",
    "is_stopped",
    "gracefully_stop",
    "after_shutdown",
    "status",
    "on_startup",
    "on_shutdown",
    "startup",
    "shutdown",
    "wait_for_shutdown",
    "workers",
    "run",
}
"""The members of a worker that the contract names."""

OF_A_KIND = {
    "send",
    "get_message",
    "queue_size",
    "on_message",
    "dispatcher",
    "add_workers",
}
"""Those that it names for one kind of worker."""

OPTIONS_AND_HOOKS = {
    "announces_readiness",
    "start_timeout",
    "cancel_period",
    "cleanup_period",
    "on_undelivered",
}
"""What the design adds for a subclass to set or to write, and fluid therefore reads."""

OTHER_PEOPLES_NAMES = [
    *("path", "parent", "exit", "ready", "queue", "loop", "task", "state"),
    *("_task", "_state", "_queue", "_loop", "_stop"),
]
"""Attributes that a subclass has every reason to set."""


class Texts(AsyncDispatcher[Any]):
    """A dispatcher that knows no types."""

    def event_type(self, message: Any) -> str:
        return "text"


async def nothing(*_: object) -> None: ...


KINDS: dict[str, Callable[[], Worker]] = {
    "Worker": Idle,
    "WorkerFunction": lambda: WorkerFunction(nothing, heartbeat=1),
    "QueueConsumer": Collector,
    "QueueConsumerWorker": lambda: QueueConsumerWorker(nothing),
    "AsyncConsumer": lambda: AsyncConsumer(Texts()),
    "Workers": lambda: Workers(Idle(), Collector()),
}
"""One of each kind."""

each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def subclassed(worker: Worker, members: dict[str, Any]) -> None:
    """Makes ``worker`` an instance of a subclass of its class that has ``members``."""
    worker.__class__ = type(f"Sub{type(worker).__name__}", (type(worker),), members)


async def live(worker: Worker) -> None:
    """Starts, works and stops ``worker``, as a documented program would."""
    async with worker:
        await asyncio.sleep(1.5)
        if isinstance(worker, QueueConsumer):
            worker.send("message")
        await worker.status()
        await asyncio.sleep(1.5)
    await worker.wait_for_shutdown()
    assert worker.worker_state is WorkerState.STOPPED


# --- overrides that fluid calls ------------------------------------------------------------------


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


# --- names that fluid leaves alone ---------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("when", ["in the constructor", "while it runs"])
async def test_subclass_may_use_any_attribute_that_fluid_does_not_document(
    make: Callable[[], Worker], when: str
) -> None:
    worker = make()
    values = {name: object() for name in OTHER_PEOPLES_NAMES}

    def take_them() -> None:
        for name, value in values.items():
            setattr(worker, name, value)

    if when == "in the constructor":
        take_them()
    else:
        asyncio.get_running_loop().call_later(1, take_them)
    await live(worker)
    assert {name: getattr(worker, name) for name in values} == values


@each_kind
async def test_subclass_may_have_class_attributes_and_methods_of_those_names(
    make: Callable[[], Worker],
) -> None:
    worker = make()
    subclassed(worker, dict.fromkeys(OTHER_PEOPLES_NAMES, 5))
    await live(worker)
    worker = make()
    subclassed(worker, dict.fromkeys(OTHER_PEOPLES_NAMES, raising_member("method")))
    await live(worker)


def raising_member(name: str) -> Any:
    def fail(self: Worker, *args: Any, **options: Any) -> Any:
        raise AssertionError(f"fluid called {name}, which the contract does not know")

    return fail


def undocumented(base: type[Any]) -> list[str]:
    known = DOCUMENTED | OF_A_KIND | OPTIONS_AND_HOOKS
    return sorted(name for name in dir(base) if not name.startswith("_") and name not in known)


def test_undocumented_public_names_of_a_worker_exist_for_the_next_tests_to_replace() -> None:
    assert {"sleep", "worker_exit", "worker_path", "subscribe"} <= set(undocumented(Worker))


@each_kind
@pytest.mark.parametrize("kind", ["methods", "properties"])
async def test_fluid_calls_no_public_name_outside_of_the_contract(
    make: Callable[[], Worker], kind: str
) -> None:
    worker = make()
    members = {name: raising_member(name) for name in undocumented(type(worker))}
    if kind == "properties":
        members = {name: property(member) for name, member in members.items()}
    if type(worker) is Idle:
        members["run"] = by_the_documented_names
    subclassed(worker, members)
    await live(worker)


async def by_the_documented_names(self: Worker) -> None:
    while self.is_running():
        await asyncio.sleep(0.5)


@pytest.mark.parametrize("ends", ["by an error", "by force", "during the start"])
async def test_fluid_calls_no_public_name_outside_of_the_contract_when_things_go_wrong(
    ends: str,
) -> None:
    members: dict[str, Any] = {
        name: property(raising_member(name)) for name in undocumented(Worker)
    }
    error = BoomError("boom")

    async def fail(self: Worker) -> None:
        raise error

    if ends == "by an error":
        members["run"] = fail
    elif ends == "during the start":
        members["on_startup"] = fail
    worker = Deaf(stopping_grace_period=0)
    subclassed(worker, members)
    body = BoomError("body")

    async def use() -> None:
        async with worker:
            await asyncio.sleep(1)
            raise body

    with pytest.raises(BoomError) as caught:
        await use()
    assert caught.value is (error if ends == "during the start" else body)
    assert worker.is_stopped()


@each_kind
async def test_group_calls_no_public_name_of_its_children_outside_of_the_contract(
    make: Callable[[], Worker],
) -> None:
    child = make()
    members: dict[str, Any] = {
        name: property(raising_member(name)) for name in undocumented(type(child))
    }
    if type(child) is Idle:
        members["run"] = by_the_documented_names
    subclassed(child, members)
    await live(Workers(child, Idle(name="other")))


@each_kind
async def test_all_private_state_of_a_worker_is_in_one_attribute(
    make: Callable[[], Worker],
) -> None:
    own = {
        Collector: {"messages"},
        QueueConsumerWorker: {"on_message"},
        AsyncConsumer: {"dispatcher"},
    }
    worker = make()
    expected = {"_worker"} | own.get(type(worker), set())
    assert set(vars(worker)) == expected
    async with worker:
        await asyncio.sleep(1)
        assert set(vars(worker)) == expected
    assert set(vars(worker)) == expected


@each_kind
def test_only_names_that_begin_with_worker_are_private_on_the_class(
    make: Callable[[], Worker],
) -> None:
    base = next(kind for kind in type(make()).__mro__ if kind.__module__.startswith("fluid."))
    private = [name for name in dir(base) if name.startswith("_") and not name.startswith("__")]
    inherited = {"_abc_impl", "_is_protocol"}
    assert [
        name for name in private if not name.startswith("_worker") and name not in inherited
    ] == []


@each_kind
def test_what_fluid_adds_to_the_data_of_a_worker_is_prefixed_as_the_documented_data_is(
    make: Callable[[], Worker],
) -> None:
    base = type(make())
    data = [name for name in undocumented(base) if isinstance(getattr(base, name), property)]
    assert [name for name in data if not name.startswith("worker_")] == []


async def test_subclass_with_slots_of_its_own_works() -> None:
    class Slotted(Brief):
        __slots__ = ("queue",)

        async def run(self) -> None:
            self.queue = 1

    async with Slotted() as worker:
        await asyncio.sleep(1)
    assert worker.queue == 1


# --- a subclass that forgot ----------------------------------------------------------------------


class Forgetful(Worker):
    """Never calls ``super().__init__()``."""

    def __init__(self) -> None:
        self.queue = "mine"

    async def run(self) -> None: ...


class ForgetfulConsumer(QueueConsumerWorker[str]):
    """Never calls it either."""

    def __init__(self) -> None:
        self.on_message = nothing


LESSON = r"did not call super\(\)\.__init__\(\)"


@pytest.mark.parametrize("make", [Forgetful, ForgetfulConsumer])
async def test_worker_that_forgot_to_call_init_of_its_base_is_taught_when_it_is_started(
    make: Callable[[], Worker],
) -> None:
    with pytest.raises(WorkerStartError, match=LESSON) as caught:
        await make().startup()
    assert str(caught.value).startswith(make.__name__)


async def test_worker_that_forgot_is_taught_by_async_with() -> None:
    with pytest.raises(WorkerStartError, match=LESSON):
        async with Forgetful():
            pytest.fail("it cannot have started")


def test_worker_that_forgot_is_taught_by_its_group() -> None:
    with pytest.raises(WorkerStartError, match=LESSON):
        Workers(Forgetful())


def test_worker_that_forgot_is_taught_by_the_runner() -> None:
    with pytest.raises(WorkerStartError, match=LESSON):
        fluid.run(Forgetful())
