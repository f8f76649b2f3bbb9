"""What a user may get wrong: it is refused where it is written, by its name and its value."""

from __future__ import annotations

import asyncio
import gc
import inspect
import re
from collections.abc import Callable
from itertools import product
from math import inf, nan
from typing import Any

import pytest

from fluid import (
    AsyncConsumer,
    FluidValueError,
    Mailbox,
    QueueConsumerWorker,
    Worker,
    WorkerFunction,
    Workers,
    WorkerState,
)
from fluid.utils.dispatcher import AsyncDispatcher, Dispatcher
from tests.worker.fakes import worker_with
from tests.worker.group_cast import Idle, end_of
from tests.worker.queue_cast import Taker


async def nothing(*_: object) -> None: ...


class Texts(AsyncDispatcher[str]):
    """Knows one type."""

    def event_type(self, message: str) -> str:
        return "text"


class PlainTexts(Dispatcher[str]):
    """The same, for plain functions."""

    def event_type(self, message: str) -> str:
        return "text"


# --- definitions ---------------------------------------------------------------------------------

WRONG: dict[str, tuple[Callable[[Any], object], str, list[object]]] = {
    "a name": (lambda value: Idle(name=value), "name", [5, None, b"name", ["name"]]),
    "a grace period": (
        lambda value: Idle(stopping_grace_period=value),
        "stopping_grace_period of worker 'idle'",
        [-1, nan, "5", True, [5]],
    ),
    "a function": (WorkerFunction, "worker 'worker_function'", [None, 5, "poll"]),
    "a heartbeat": (
        lambda value: WorkerFunction(nothing, heartbeat=value),
        "heartbeat of worker 'worker_function'",
        [-1, nan, "5", None],
    ),
    "a handler": (
        QueueConsumerWorker,
        "on_message of consumer 'queue_consumer_worker'",
        [None, 5, "handle"],
    ),
    "a dispatcher": (AsyncConsumer, "consumer 'async_consumer'", [None, nothing, PlainTexts()]),
    "a limit": (
        lambda value: QueueConsumerWorker(nothing, maxsize=value),
        "maxsize",
        [-1, 1.5, True, None, "1"],
    ),
    "a child": (Workers, "not a worker", [5, None, "worker"]),
    "a heartbeat of a group": (
        lambda value: Workers(heartbeat=value),
        "heartbeat of group 'workers'",
        [-1, nan, "5", None],
    ),
    "a handler of an event": (
        lambda value: Texts().register_handler("text", value),
        "event 'text'",
        [None, 5, "handle"],
    ),
}
"""What to make, how the error calls it, and what it is made with."""


@pytest.mark.parametrize("field", WRONG)
def test_a_definition_that_cannot_work_is_refused_by_field_and_value(field: str):
    """I01"""
    make, subject, values = WRONG[field]
    for value in values:
        with pytest.raises(FluidValueError) as caught:
            make(value)
        assert subject in str(caught.value)
        assert repr(value) in str(caught.value)


def test_a_worker_without_a_run_cannot_be_made():
    """I01"""
    with pytest.raises(TypeError, match="run"):
        Worker()  # type: ignore[abstract]


NAMES = [{}, {"name": "mailer"}, {"name": ""}, {"name": "a/b"}]
GRACES = [{}, *({"stopping_grace_period": grace} for grace in (None, 0, 0.5, inf))]
OPTIONS: dict[str, tuple[Callable[..., Worker], list[list[dict[str, object]]]]] = {
    "Worker": (Idle, []),
    "WorkerFunction": (
        lambda **options: WorkerFunction(nothing, **options),
        [[{}, {"heartbeat": 0}, {"heartbeat": 10}]],
    ),
    "QueueConsumer": (Taker, [[{}, {"maxsize": 0}, {"maxsize": 1}, {"mailbox": Mailbox()}]]),
    "QueueConsumerWorker": (
        lambda **options: QueueConsumerWorker(nothing, **options),
        [[{}, {"maxsize": 1}, {"mailbox": Mailbox(maxsize=1)}]],
    ),
    "AsyncConsumer": (lambda **options: AsyncConsumer(Texts(), **options), [[{}, {"maxsize": 1}]]),
    "Workers": (
        lambda **options: Workers(Idle(), **options),
        [[{}, {"heartbeat": 0}], [{}, {"stop_in_reverse": True}]],
    ),
}
"""How to make one of each kind, and what it may be given beside a name and a grace period."""


@pytest.mark.parametrize("kind", OPTIONS)
async def test_every_combination_of_valid_options_is_accepted(kind: str):
    """I02"""
    make, further = OPTIONS[kind]
    for chosen in product(NAMES, GRACES, *further):
        options = {name: value for each in chosen for name, value in each.items()}
        async with make(**options) as worker:
            await asyncio.sleep(0)
        assert worker.worker_state is WorkerState.STOPPED
        assert worker.worker_name == (options.get("name") or make().worker_name)


# --- functions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        WorkerFunction,
        QueueConsumerWorker,
        lambda coroutine: Texts().register_handler("text", coroutine),
        lambda coroutine: PlainTexts().register_handler("text", coroutine),
    ],
    ids=["WorkerFunction", "QueueConsumerWorker", "AsyncDispatcher", "Dispatcher"],
)
def test_a_coroutine_in_place_of_a_function_is_an_error_and_not_a_warning(
    make: Callable[[Any], object],
):
    """I07"""
    coroutine = nothing()
    with pytest.raises(FluidValueError):
        make(coroutine)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
    del coroutine
    gc.collect()


@pytest.mark.parametrize("hook", ["on_startup", "run", "on_shutdown"])
async def test_a_hook_that_is_a_plain_function_is_taught_to_be_an_async_one(hook: str):
    """I07"""
    worker = Idle()
    worker.__class__ = type("Plain", (Idle,), {hook: lambda self: None})
    start = await end_of(worker.startup())
    error = start or await end_of(worker.shutdown())
    assert isinstance(error, TypeError)
    assert error.__notes__ == [f"{hook}() has to be a function written with  async def"]


async def test_a_type_error_of_a_hook_that_is_async_is_not_taught_anything():
    """I07"""

    async def awaits_nothing(_: Worker) -> None:
        await None  # type: ignore[misc]

    for hooks in ({"startup": awaits_nothing}, {"run": awaits_nothing}):
        worker = worker_with(**hooks)
        error = await end_of(worker.startup()) or await end_of(worker.wait_for_shutdown())
        assert isinstance(error, TypeError)
        assert not hasattr(error, "__notes__")


async def test_a_worker_needs_no_hook_but_its_run():
    """I08"""

    class Least(Worker):
        async def run(self) -> None:
            await self.sleep(inf)

    async with Least() as worker:
        assert worker.is_ready()
    assert worker.worker_exit.code == 0


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("on_start_up", "on_startup"),
        ("onStartup", "on_startup"),
        ("on_shut_down", "on_shutdown"),
        ("after_shut_down", "after_shutdown"),
        ("Run", "run"),
    ],
)
def test_a_hook_that_is_misspelt_is_warned_of_where_the_class_is_written(name: str, hook: str):
    """I08"""
    warning = f"Typo.{name} is no hook and is never called: it is {hook}"
    with pytest.warns(UserWarning, match=re.escape(warning)) as caught:
        type("Typo", (Idle,), {name: nothing, "__qualname__": "Typo"})
    assert caught[0].filename == __file__


def test_what_only_looks_like_a_hook_is_not_warned_of():
    type("Fine", (Idle,), {"_run": nothing, "RUN": 5, "on_start": nothing, "on_startup": nothing})
