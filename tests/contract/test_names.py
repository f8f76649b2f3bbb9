"""Names that are the user's: fluid neither sets nor calls what it does not document."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fluid import PeriodicWorker
from fluid.utils.worker import AsyncConsumer, BatchConsumer, QueueConsumerWorker, Worker, Workers
from tests.contract.cast import BoomError, Brief, Collector, Deaf, Idle
from tests.contract.kinds import (
    DOCUMENTED,
    OF_A_KIND,
    OPTIONS_AND_HOOKS,
    each_kind,
    live,
    subclassed,
)

OTHER_PEOPLES_NAMES = [
    *("path", "parent", "exit", "ready", "queue", "loop", "task", "state"),
    *("_task", "_state", "_queue", "_loop", "_stop"),
]
"""Attributes that a subclass has every reason to set."""


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
        BatchConsumer: {"on_batch"},
        PeriodicWorker: {"on_fire", "schedule"},
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
