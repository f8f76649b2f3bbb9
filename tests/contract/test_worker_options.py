"""``Worker(name=..., stopping_grace_period=...)``: what it is called and how long it may take."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import fluid.testing
from fluid import PeriodicWorker, every
from fluid.utils.errors import FluidError, FluidValueError
from fluid.utils.worker import (
    AsyncConsumer,
    QueueConsumerWorker,
    Worker,
    WorkerFunction,
    Workers,
    WorkerState,
)
from tests.contract.cast import Deaf, Idle

GRACE = "FLUID_STOPPING_GRACE_PERIOD"

NOT_DURATIONS: list[Any] = [nan, -inf, -1, -1e-9, True, False, "5", "", b"5", [], Decimal(5), 1j]
"""What is not a number of seconds, zero or more."""


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(GRACE, raising=False)


def grace_of(worker: Worker) -> float:
    """Reads the grace period off the bound, which is public: grace + cancels + cleanup."""
    return worker.worker_stop_bound - 2 * worker.cancel_period - worker.cleanup_period


async def nothing(*_: object) -> None: ...


def class_named(name: str) -> type[Idle]:
    return type(name, (Idle,), {})


# --- what there is to give -----------------------------------------------------------------------


def test_worker_without_a_run_cannot_be_made() -> None:
    class Lazy(Worker):
        pass

    for unfinished in (Worker, Lazy):
        with pytest.raises(TypeError, match="run"):
            unfinished()  # type: ignore[abstract]


def test_options_have_the_documented_names_and_defaults_and_are_keyword_only() -> None:
    signature = inspect.signature(Worker)
    options = {name: option.default for name, option in signature.parameters.items()}
    assert options == {"name": "", "stopping_grace_period": None}
    assert {option.kind.name for option in signature.parameters.values()} == {"KEYWORD_ONLY"}


# --- its name ------------------------------------------------------------------------------------


def test_name_is_what_was_given() -> None:
    assert Idle(name="mailer").worker_name == "mailer"


@pytest.mark.parametrize(
    ("class_name", "name"),
    [
        ("Worker", "worker"),
        ("SimpleWorker", "simple_worker"),
        ("A", "a"),
        ("AB", "ab"),
        ("ABTest", "ab_test"),
        ("HTTPServer", "http_server"),
        ("MyHTTP", "my_http"),
        ("HTTPServer2Worker", "http_server2_worker"),
        ("Worker2", "worker2"),
        ("S3Sync", "s3_sync"),
        ("already_snake", "already_snake"),
        ("Mixed_Case", "mixed_case"),
        ("lower", "lower"),
        ("camelCase", "camel_case"),
        ("_Private", "_private"),
        ("__Mangled", "__mangled"),
        ("Trailing_", "trailing_"),
        ("X", "x"),
    ],
)
def test_default_name_is_the_class_name_in_snake_case(class_name: str, name: str) -> None:
    assert class_named(class_name)().worker_name == name


@pytest.mark.parametrize(
    ("class_name", "name"),
    [("ÜberWorker", "über_worker"), ("WorkerÜbung", "worker_übung"), ("ПриёмПочты", "приём_почты")],
)
def test_words_of_any_alphabet_are_told_apart_by_their_capitals(class_name: str, name: str) -> None:
    assert class_named(class_name)().worker_name == name


def test_empty_name_is_no_name() -> None:
    assert Idle(name="").worker_name == "idle"


def test_each_kind_of_worker_is_called_after_its_class_too() -> None:
    assert WorkerFunction(nothing).worker_name == "worker_function"
    assert QueueConsumerWorker(nothing).worker_name == "queue_consumer_worker"
    assert PeriodicWorker(nothing, every(1)).worker_name == "nothing"  # after its function
    assert Workers().worker_name == "workers"


@pytest.mark.parametrize(
    "name", ["a b", "a/b", "../x", "%2F", "x" * 10_000, "\n\x1b[31m", "\udcff"]
)
async def test_any_text_is_a_name_and_none_can_forge_a_path(name: str) -> None:
    worker = Idle(name=name)
    group = Workers(worker, name="group")
    async with group:
        assert worker.worker_name == name
        assert worker.worker_path.count("/") == 1
        assert worker.worker_path.isprintable()


def test_two_workers_may_have_the_same_name() -> None:
    assert Idle().worker_name == Idle().worker_name


# --- its grace period ----------------------------------------------------------------------------


def test_grace_period_is_10_seconds_unless_somebody_says_otherwise() -> None:
    assert grace_of(Idle()) == 10


@pytest.mark.parametrize("grace", [0, 0.0, 1, 2.5, 1e9, inf])
def test_grace_period_is_what_was_given(grace: float) -> None:
    assert grace_of(Idle(stopping_grace_period=grace)) == grace


@pytest.mark.parametrize(
    ("text", "grace"), [("0", 0), ("3", 3), ("2.5", 2.5), (" 4 ", 4), ("1e1", 10), ("inf", inf)]
)
def test_environment_gives_the_default_grace_period(
    monkeypatch: pytest.MonkeyPatch, text: str, grace: float
) -> None:
    monkeypatch.setenv(GRACE, text)
    assert grace_of(Idle()) == grace


def test_environment_is_read_when_the_worker_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Idle()
    monkeypatch.setenv(GRACE, "3")
    worker = Idle()
    monkeypatch.setenv(GRACE, "4")
    after = Idle()
    assert [grace_of(before), grace_of(worker), grace_of(after)] == [10, 3, 4]


def test_environment_does_not_count_where_a_period_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(GRACE, "3")
    assert grace_of(Idle(stopping_grace_period=0)) == 0


@pytest.mark.parametrize("text", ["", " ", "ten", "5s", "nan", "-1", "-inf", "0x10", "1,5", "None"])
def test_bad_value_in_the_environment_is_an_error_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(GRACE, text)
    with pytest.raises(FluidValueError, match=GRACE):
        Idle()


def test_bad_value_in_the_environment_is_nothing_to_a_worker_that_does_not_need_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(GRACE, "ten")
    assert grace_of(Idle(stopping_grace_period=1)) == 1
    assert Workers(Idle(stopping_grace_period=1)).num_workers == 1


@pytest.mark.parametrize("seconds", NOT_DURATIONS, ids=repr)
def test_grace_period_that_is_no_duration_is_refused_with_the_name_and_the_value(
    seconds: Any,
) -> None:
    with pytest.raises(FluidValueError) as caught:
        Idle(name="mailer", stopping_grace_period=seconds)
    assert "'mailer'" in str(caught.value)
    assert repr(seconds) in str(caught.value)


@given(st.one_of(st.floats(), st.integers(), st.booleans(), st.text(), st.none()))
@example(10**400)
@example(-(10**400))
def test_duration_is_a_number_zero_or_more_and_everything_else_is_one_kind_of_error(
    value: Any,
) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits_a_float = is_number and (value == inf or value <= sys.float_info.max)
    if value is None or (fits_a_float and value >= 0):
        Idle(stopping_grace_period=value)
        return
    with pytest.raises(FluidValueError) as caught:
        Idle(stopping_grace_period=value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, FluidError)


@pytest.mark.parametrize("grace", [0, 0.2, 10, 3600])
async def test_worker_that_does_not_end_is_cancelled_when_its_grace_period_is_over(
    grace: float,
) -> None:
    loop = asyncio.get_running_loop()
    worker = Deaf(stopping_grace_period=grace)
    await worker.startup()
    await asyncio.sleep(1)
    await worker.shutdown()
    assert loop.time() == 1 + grace
    assert worker.worker_state is WorkerState.FORCE_STOPPED


async def test_infinite_grace_period_never_cancels() -> None:
    class TwoDays(Worker):
        async def run(self) -> None:
            await asyncio.sleep(172_800)

    worker = TwoDays(stopping_grace_period=inf)
    await worker.startup()
    await worker.shutdown()
    assert asyncio.get_running_loop().time() == 172_800
    assert worker.worker_state is WorkerState.STOPPED


# --- before there is a loop ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        Idle,
        lambda: WorkerFunction(nothing, heartbeat=1),
        lambda: QueueConsumerWorker(nothing),
        lambda: QueueConsumerWorker[str](nothing),
        lambda: Workers(Idle(), QueueConsumerWorker(nothing)),
    ],
    ids=["Worker", "WorkerFunction", "QueueConsumerWorker", "a generic one", "Workers"],
)
def test_worker_may_be_made_before_there_is_a_loop(make: Callable[[], Worker]) -> None:
    worker = make()

    async def main() -> None:
        async with worker:
            await asyncio.sleep(2)

    fluid.testing.run(main)
    assert worker.worker_state is WorkerState.STOPPED


# --- the periods that a class sets ---------------------------------------------------------------


@pytest.mark.parametrize("option", ["cancel_period", "cleanup_period", "start_timeout"])
@pytest.mark.parametrize("seconds", NOT_DURATIONS, ids=repr)
async def test_period_that_is_no_duration_stops_the_start_and_names_itself(
    option: str, seconds: Any
) -> None:
    worker = Idle(name="mailer")
    setattr(worker, option, seconds)
    with pytest.raises(FluidValueError, match=rf"^{option} of worker 'mailer'"):
        await worker.startup()
    assert worker.worker_state is WorkerState.INIT
    delattr(worker, option)
    async with worker:
        assert worker.is_running()


@pytest.mark.parametrize(
    "make",
    [
        lambda **options: WorkerFunction(nothing, **options),
        lambda **options: QueueConsumerWorker(nothing, **options),
        lambda **options: PeriodicWorker(nothing, every(1), **options),
        lambda **options: Workers(**options),
    ],
    ids=["WorkerFunction", "QueueConsumerWorker", "PeriodicWorker", "Workers"],
)
def test_every_kind_of_worker_takes_the_same_two_options(make: Callable[..., Worker]) -> None:
    worker = make(name="mailer", stopping_grace_period=2)
    assert worker.worker_name == "mailer"
    with pytest.raises(FluidValueError, match="'mailer'"):
        make(name="mailer", stopping_grace_period=nan)


@pytest.mark.parametrize("name", [5, None, b"bytes", ["list"]])
def test_name_that_is_no_string_is_refused(name: Any) -> None:
    with pytest.raises(FluidValueError, match="name of a worker is not a string: .*; without one"):
        Idle(name=name)


@pytest.mark.parametrize("dispatcher", [None, object(), len])
def test_async_consumer_without_an_async_dispatcher_is_refused(dispatcher: Any) -> None:
    with pytest.raises(FluidValueError, match="was given no AsyncDispatcher"):
        AsyncConsumer(dispatcher)
